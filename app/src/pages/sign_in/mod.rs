//! Signing in: by a local account, or by the link that the command line prints.

use leptos::prelude::*;
use leptos_meta::Title;

use super::query;
use crate::components::field::Field;
use crate::components::frame::Mark;
use crate::components::notice::FormNotice;
use crate::form::FormState;
use crate::words;

/// Name and password; throttling and the reason of a refusal come back in the form's state.
#[component]
pub fn SignInPage() -> impl IntoView {
    let state = FormState::current();
    // Where the person wanted to go: posted back, so that a refusal does not lose it. The server takes local paths only.
    let next = state.value("next").or_else(|| query("next"));
    view! {
        <Door title="Sign in">
            <FormNotice state=state.clone() />
            <form class="form" method="post" action="/sign-in">
                {next.map(|next| view! { <input type="hidden" name="next" value=next /> })}
                <Field state=state.clone() name="name" label="Name" autocomplete="username" required=true />
                <Field
                    state=state
                    name="password"
                    label="Password"
                    kind="password"
                    autocomplete="current-password"
                    required=true
                />
                <button class="button button--primary button--wide" type="submit">
                    "Sign in"
                </button>
            </form>
            <p class="door__hint">
                "No account yet? On the server, " <code>"rota admin sign-in-link"</code>
                " prints a link that signs you in once."
            </p>
        </Door>
    }
    .into_any()
}

/// A link signs nobody in by being opened (mail scanners open links): the button does.
#[component]
pub fn SignInLinkPage() -> impl IntoView {
    let state = FormState::current();
    let content = match query("token") {
        Some(token) => {
            let action = format!("/sign-in/link?token={}", words::segment(&token));
            view! {
                <p class="door__text">"This link signs you in once, within 15 minutes of being printed."</p>
                <form class="form" method="post" action=action>
                    <button class="button button--primary button--wide" type="submit">
                        "Sign in"
                    </button>
                </form>
            }
            .into_any()
        }
        None => view! {
            <p class="door__text">
                "This address is not whole: the link's token is missing. Copy the whole line that "
                <code>"rota admin sign-in-link"</code> " printed."
            </p>
            <a class="button" href="/sign-in">
                "Sign in with a name and password"
            </a>
        }
        .into_any(),
    };
    view! {
        <Door title="Sign in by link">
            <FormNotice state />
            {content}
        </Door>
    }
    .into_any()
}

/// The page before the frame: the mark, a title and one thing to do.
#[component]
pub(super) fn Door(title: &'static str, children: Children) -> impl IntoView {
    view! {
        <Title text=format!("{title} · Rota") />
        <main class="door">
            <p class="door__mark">
                <Mark />
                "Rota"
            </p>
            <h1 class="door__title">{title}</h1>
            {children()}
        </main>
    }
    .into_any()
}
