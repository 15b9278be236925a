//! What a page says when it has nothing to show.

use leptos::prelude::*;

use crate::reader::ReadError;

/// Nothing here: first use, or an empty result; says what to do.
#[component]
pub fn EmptyState(
    title: &'static str,
    #[prop(into)] text: String,
    /// The one next step: words and address.
    #[prop(optional)]
    next: Option<(&'static str, String)>,
) -> impl IntoView {
    let next = next.map(|(label, address)| {
        view! {
            <a class="button button--primary" href=address>
                {label}
            </a>
        }
    });
    view! {
        <section class="empty">
            <EmptyRing />
            <h1 class="empty__title">{title}</h1>
            <p class="empty__text">{text}</p>
            {next}
        </section>
    }
    .into_any()
}

/// A page that could not be read: missing, not allowed, or away.
#[component]
pub fn ErrorState(error: ReadError) -> impl IntoView {
    let (title, text, remedy) = match error {
        ReadError::NotFound => (
            "Nothing at this address",
            "It may have been renamed or removed, or the address may be mistyped.".to_owned(),
            ("Search the credentials", "/credentials"),
        ),
        ReadError::Forbidden => (
            "Your role may not see this",
            "Nothing is wrong with the address. An administrator can give you a role that may.".to_owned(),
            ("Back to the overview", "/"),
        ),
        ReadError::Unavailable(what) => (
            "This page cannot be read right now",
            format!(
                "{what} Credentials already handed out keep working, and rotations that are under way resume by themselves. Load the page again in a moment."
            ),
            ("Load again", ""),
        ),
    };
    view! {
        <section class="empty" role="alert">
            <EmptyRing />
            <h1 class="empty__title">{title}</h1>
            <p class="empty__text">{text}</p>
            <a class="button button--primary" href=remedy.1>
                {remedy.0}
            </a>
        </section>
    }
    .into_any()
}

/// The ring of something that is not there.
#[component]
fn EmptyRing() -> impl IntoView {
    view! {
        <svg class="empty__ring" viewBox="0 0 96 96" width="72" height="72" aria-hidden="true">
            <circle cx="48" cy="48" r="42" />
        </svg>
    }
    .into_any()
}
