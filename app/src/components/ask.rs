//! A button that asks before it acts: what it will do to whom, and why it is done.

use leptos::prelude::*;

use super::field::Field;
use crate::form::FormState;

/// How much a button matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weight {
    #[default]
    Plain,
    Primary,
    /// Cannot be undone, or takes something from somebody.
    Grave,
}

impl Weight {
    /// The button's classes.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "button",
            Self::Primary => "button button--primary",
            Self::Grave => "button button--grave",
        }
    }
}

/// A sheet below its button, opened without script: the effect, further fields, the reason, and the button again.
#[component]
pub fn Ask(
    /// The state of the whole page: only what was posted to this action is shown.
    state: FormState,
    /// The value of the form's `action` field.
    action: &'static str,
    #[prop(into)] label: String,
    /// What pressing it does, to whom.
    #[prop(into)]
    effect: String,
    #[prop(optional)] weight: Weight,
    /// Where the reason will stand.
    #[prop(default = "Stands in the audit trail.")]
    hint: &'static str,
    /// The `id` field of the form: which of several.
    #[prop(optional, into)]
    id: Option<String>,
    /// The last button, where it says more than the first.
    #[prop(optional, into)]
    confirm: Option<String>,
    /// Asks for no reason: it takes nothing from anybody and its audit entry says enough.
    #[prop(optional)]
    without_reason: bool,
    /// Further fields, before the reason.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let own = state.of_action(action);
    let is_same = id.is_none() || own.value("id") == id;
    let own = if is_same { own } else { FormState::default() };
    let is_open = !own.values.is_empty();
    let prefix = match &id {
        Some(id) => format!("{action}-{id}"),
        None => action.to_owned(),
    };
    let id = id.map(|id| view! { <input type="hidden" name="id" value=id /> });
    let confirm = confirm.unwrap_or_else(|| label.clone());
    view! {
        <details class="ask" open=is_open>
            <summary class=weight.class()>{label}</summary>
            <form class="ask__sheet form" method="post">
                <input type="hidden" name="action" value=action />
                {id}
                <p class="ask__effect">{effect}</p>
                {children.map(|children| children())}
                {(!without_reason)
                    .then(|| {
                        view! { <Field state=own name="reason" id_prefix=prefix label="Reason" hint=hint required=true autocomplete="off" /> }
                    })}
                <button class=weight.class() type="submit">
                    {confirm}
                </button>
            </form>
        </details>
    }
    .into_any()
}
