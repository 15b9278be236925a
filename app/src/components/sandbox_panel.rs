//! Breaking the sandbox on purpose, to see a rotation roll back by itself.

use leptos::prelude::*;

use super::panel::Panel;
use crate::forms::SabotageForm;
use crate::views::frame::{Frame, Role};

/// What can be broken: the form's value, the button, and what it does.
const KINDS: [(&str, &str, &str); 4] = [
    (
        "wrong_key",
        "Wrong key",
        "The services mangle the next new version when they load it: 401.",
    ),
    (
        "lost_permission",
        "Lost permission",
        "The API forgets to give the next new version its permissions: 403.",
    ),
    (
        "slow_failure",
        "Slow failure in wave 2",
        "A new version is refused now and then, once more than the canary uses it.",
    ),
    ("none", "Mend everything", "The programs work again."),
];

/// The buttons; nothing outside of the sandbox, or for who may only look.
#[component]
pub fn SandboxPanel(
    frame: Frame,
    /// The entry shown belongs to the sandbox.
    is_sandbox_entry: bool,
    /// This page's address, to come back to.
    back: String,
) -> impl IntoView {
    if !frame.sandbox || !is_sandbox_entry || frame.viewer.role < Role::Operator {
        return ().into_any();
    }
    let buttons = KINDS
        .into_iter()
        .map(|(kind, label, effect)| {
            view! {
                <button class="button" type="submit" name="kind" value=kind title=effect>
                    {label}
                </button>
            }
        })
        .collect_view();
    view! {
        <Panel title="Break it on purpose" aside="an order to the sandbox’s programs; Rota is told nothing">
            <form class="form__end" method="post" action=SabotageForm::ADDRESS>
                <input type="hidden" name="back" value=back />
                {buttons}
            </form>
        </Panel>
    }
    .into_any()
}
