//! Tokens of programs that use the API: automation, Prometheus.

use leptos::prelude::*;

use super::people::roles;
use crate::components::field::{Field, Select};
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::components::shown_once::OnceNotice;
use crate::form::{FormState, OnceKind};
use crate::forms::TokenForm;
use crate::pages::consumer::revoke;
use crate::views::frame::Frame;
use crate::views::settings::{ApiTokenLine, SettingsView};
use crate::words;

pub(super) fn programs(view: &SettingsView, state: &FormState, frame: &Frame) -> AnyView {
    let rows = view.tokens.iter().map(|token| row(token, frame)).collect_view();
    let none = view.tokens.is_empty().then(
        || view! { <p class="lack">"No program has a token. Consumers have their own, on their pages."</p> },
    );
    let add = add(state);
    view! {
        <div id="programs">
            <Panel title="Programs" aside="tokens for the API and for metrics; consumers have their own">
                <OnceNotice kind=OnceKind::ProgramToken />
                <ul class="needs">{rows}</ul>
                {none}
                {add}
            </Panel>
        </div>
    }
    .into_any()
}

fn row(token: &ApiTokenLine, frame: &Frame) -> AnyView {
    let now = frame.now;
    let used = match token.last_used {
        Some(at) => view! { "used " <Moment at style=Style::Relative now /> ", " }.into_any(),
        // Not known is not the same as never: then nothing is said.
        None => ().into_any(),
    };
    let expires = match token.expires_at {
        Some(at) => view! { "expires " <Moment at style=Style::Relative now /> }.into_any(),
        None => "valid until revoked".into_any(),
    };
    view! {
        <li class="need">
            <div class="need__what">
                <p class="need__text">
                    <bdi class="mono">{token.name.clone()}</bdi>
                    ", ends in "
                    <bdi class="mono">{token.hint.clone()}</bdi>
                </p>
                <p class="need__who">
                    {format!("{}, {}, ", token.role.word(), words::list(&token.scopes))} {used} {expires}
                </p>
            </div>
            {revoke(&token.id, &token.hint, &token.name)}
        </li>
    }
    .into_any()
}

fn add(state: &FormState) -> AnyView {
    const ACTION: &str = TokenForm::ACTION;
    let is_open = state.is_for(ACTION);
    let state = state.of_action(ACTION);
    let scopes = vec![
        ("api".to_owned(), "all that its role may do".to_owned()),
        ("metrics".to_owned(), "only /metrics".to_owned()),
    ];
    view! {
        <details class="more" open=is_open>
            <summary>"Add a token"</summary>
            <form class="form" method="post" action="/settings">
                <input type="hidden" name="action" value=ACTION />
                <Field
                    state=state.clone()
                    name="name"
                    id_prefix=ACTION
                    label="Program"
                    hint="Stands in the audit trail, such as terraform."
                    required=true
                    autocomplete="off"
                />
                <div class="form__row">
                    <Select
                        state=state.clone()
                        name="role"
                        id_prefix=ACTION
                        label="Role"
                        choices=roles()
                        value="viewer"
                        required=true
                    />
                    <Select state=state.clone() name="scope" id_prefix=ACTION label="For" choices=scopes value="api" required=true />
                </div>
                <Field
                    state
                    name="expires_after"
                    id_prefix=ACTION
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
