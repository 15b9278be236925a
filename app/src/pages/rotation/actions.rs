//! Buttons that act on the rotation; each says what it will do to whom, and asks for a reason.

use leptos::prelude::*;

use crate::components::field::{Field, Select};
use crate::form::FormState;
use crate::views::rotation::{Action, Verb};

pub(super) fn buttons(actions: Vec<Action>, state: &FormState) -> AnyView {
    actions
        .into_iter()
        .map(|action| button(action, state))
        .collect_view()
        .into_any()
}

fn button(action: Action, state: &FormState) -> AnyView {
    let Action { verb, effect } = action;
    let is_posted = state.is_for(verb.slug());
    // Errors of one form must not show in another.
    let state = if is_posted {
        state.clone()
    } else {
        FormState::default()
    };
    let class = match verb {
        Verb::Resume | Verb::Approve | Verb::Retry => "button button--primary",
        grave if grave.is_grave() => "button button--grave",
        _ => "button",
    };
    let outcome = (verb == Verb::Resolve).then(|| outcome(&state));
    view! {
        <details class="ask" open=is_posted>
            <summary class=class>{verb.label()}</summary>
            <form class="ask__sheet form" method="post">
                <input type="hidden" name="action" value=verb.slug() />
                <p class="ask__effect">{effect}</p>
                {outcome}
                <Field
                    state
                    name="reason"
                    id_prefix=verb.slug()
                    label="Reason"
                    hint="Stands in the audit trail."
                    required=true
                    autocomplete="off"
                />
                <button class=class type="submit">
                    {verb.label()}
                </button>
            </form>
        </details>
    }
    .into_any()
}

fn outcome(state: &FormState) -> AnyView {
    let choices = vec![
        (
            "completed".to_owned(),
            "the new version is in use and works".to_owned(),
        ),
        (
            "rolled_back".to_owned(),
            "the old version is in use and works".to_owned(),
        ),
    ];
    view! { <Select state=state.clone() name="outcome" id_prefix="resolve" label="What is true now" choices required=true /> }.into_any()
}
