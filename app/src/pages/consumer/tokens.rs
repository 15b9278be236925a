//! The tokens of a consumer: two at once, so that one is changed without a gap.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::components::field::Field;
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::form::FormState;
use crate::forms::{ConsumerTokenForm, SubjectForm};
use crate::views::consumer::{ConsumerView, TokenLine};

/// Valid at the same time.
const AT_ONCE: usize = 2;

pub(super) fn tokens(view: &ConsumerView, state: &FormState, now: OffsetDateTime) -> AnyView {
    let rows = view
        .tokens
        .iter()
        .map(|token| row(token, &view.line.name, view.may_operate, now))
        .collect_view();
    let none = view
        .tokens
        .is_empty()
        .then(|| view! { <p class="lack">"It has no valid token, so it can fetch nothing."</p> });
    let add = view.may_operate.then(|| add(view, state));
    view! {
        <Panel title="Tokens" aside="two may be valid at once: add one, use it, revoke the other">
            <ul class="needs">{rows}</ul>
            {none}
            {add}
        </Panel>
    }
    .into_any()
}

fn row(token: &TokenLine, consumer: &str, may_operate: bool, now: OffsetDateTime) -> AnyView {
    let used = match token.last_used {
        Some(at) => view! { "used " <Moment at style=Style::Relative now /> ", " }.into_any(),
        // Not known is not the same as never: then nothing is said.
        None => ().into_any(),
    };
    let expires = match token.expires_at {
        Some(at) => view! { "expires " <Moment at style=Style::Relative now /> }.into_any(),
        None => "valid until revoked".into_any(),
    };
    let revoke = may_operate.then(|| revoke(&token.id, &token.hint, &format!("programs of {consumer}")));
    view! {
        <li class="need">
            <div class="need__what">
                <p class="need__text">"ends in " <bdi class="mono">{token.hint.clone()}</bdi></p>
                <p class="need__who">"made " <Moment at=token.created_at style=Style::Relative now /> ", " {used} {expires}</p>
            </div>
            {revoke}
        </li>
    }
    .into_any()
}

/// The button that revokes a token, and whom it cuts off.
pub(in crate::pages) fn revoke(id: &str, hint: &str, who: &str) -> AnyView {
    view! {
        <details class="ask">
            <summary class="button">"Revoke"</summary>
            <form class="ask__sheet form" method="post">
                <input type="hidden" name="action" value=SubjectForm::REVOKE_TOKEN />
                <input type="hidden" name="id" value=id.to_owned() />
                <p class="ask__effect">
                    "From this moment " {who.to_owned()} " that still use the token ending in " <bdi class="mono">{hint.to_owned()}</bdi>
                    " are refused. This cannot be undone."
                </p>
                <button class="button button--grave" type="submit">
                    "Revoke the token"
                </button>
            </form>
        </details>
    }
    .into_any()
}

fn add(view: &ConsumerView, state: &FormState) -> AnyView {
    if view.tokens.len() >= AT_ONCE {
        return view! {
            <p class="lack">"Two are valid, which is the most. Revoke the one that is no longer used to add another."</p>
        }
        .into_any();
    }
    let state = state.of_action(ConsumerTokenForm::ACTION);
    let is_open = state.is_for(ConsumerTokenForm::ACTION);
    view! {
        <details class="more" open=is_open>
            <summary>"Add a token"</summary>
            <form class="form" method="post">
                <input type="hidden" name="action" value=ConsumerTokenForm::ACTION />
                <Field
                    state
                    name="expires_after"
                    label="Valid for"
                    hint="Such as 90 days. Left blank, until somebody revokes it."
                    autocomplete="off"
                />
                <div class="form__end">
                    <button class="button button--primary" type="submit">
                        "Make a token and show it once"
                    </button>
                </div>
            </form>
        </details>
    }
    .into_any()
}
