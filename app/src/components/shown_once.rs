//! A secret at the one moment at which it is shown, and commands to copy.

use leptos::prelude::*;

use crate::form::{OnceKind, ShownOnce};

/// The secret of this reply; nothing when it made none of that kind.
#[component]
pub fn OnceNotice(kind: OnceKind) -> impl IntoView {
    ShownOnce::of_kind(kind).map(|once| {
        let (title, text) = match once.what {
            OnceKind::ConsumerToken => (
                "The new token of",
                "It is shown this once: Rota keeps only a hash. Put it where the program reads its secrets, readable by the program alone.",
            ),
            OnceKind::ProgramToken => (
                "The new token for",
                "It is shown this once: Rota keeps only a hash. Send it as “Authorization: Bearer …”.",
            ),
            OnceKind::SignInLink => (
                "The sign-in link of",
                "It is shown this once and signs in once, within 15 minutes. Send it by a way that only its owner reads.",
            ),
        };
        view! {
            <section class="once" role="status" aria-label="Shown once">
                <h2 class="once__title">{title} " " <bdi class="mono">{once.name.clone()}</bdi></h2>
                <Command text=once.secret.expose_secret().to_owned() />
                <p class="once__text">{text}</p>
            </section>
        }
    })
    .into_any()
}

/// Text to copy: one click selects all of it.
#[component]
pub fn Command(#[prop(into)] text: String) -> impl IntoView {
    view! {
        <pre class="command" tabindex="0">
            <code>{text}</code>
        </pre>
    }
    .into_any()
}
