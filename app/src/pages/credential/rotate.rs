//! The button that starts a rotation, and what it says before it is pressed.

use leptos::prelude::*;

use crate::components::field::{Checkbox, Field};
use crate::form::FormState;
use crate::views::credential::{CredentialView, RotationPlan};
use crate::words;

pub(super) fn rotate_now(view: &CredentialView, state: &FormState) -> AnyView {
    if !view.may_operate {
        return view! { <p class="lack">"Your role may look, not rotate."</p> }.into_any();
    }
    match &view.plan {
        RotationPlan::Blocked { reason, rotation } => blocked(reason, rotation.as_deref()).into_any(),
        RotationPlan::Ready { .. } => ready(view, state).into_any(),
    }
}

fn blocked(reason: &str, rotation: Option<&str>) -> AnyView {
    let link = rotation.map(|id| {
        view! {
            <a class="button button--primary" href=format!("/rotations/{}", words::segment(id))>
                "Watch the rotation"
            </a>
        }
    });
    view! {
        {link}
        <p class="lack">{reason.to_owned()}</p>
    }
    .into_any()
}

fn ready(view: &CredentialView, state: &FormState) -> AnyView {
    let is_open = state.is_for("rotate");
    // Errors of one form must not show in another.
    let state = state.of_action("rotate");
    let warning = view
        .strategy_warning
        .clone()
        .map(|text| view! { <p class="notice notice--ageing">{text}</p> });
    view! {
        <details class="ask" open=is_open>
            <summary class="button button--primary">"Rotate now"</summary>
            <form class="ask__sheet form" method="post">
                <input type="hidden" name="action" value="rotate" />
                <p class="ask__effect">{effect(&view.plan)}</p>
                {warning}
                <Field
                    state=state.clone()
                    name="reason"
                    id_prefix="rotate"
                    label="Reason"
                    hint="Stands in the audit trail."
                    required=true
                    autocomplete="off"
                />
                <Checkbox
                    state
                    name="emergency"
                    id_prefix="rotate"
                    label="Emergency"
                    hint="For a leak: skips freeze and soak, and ends a running grace. Approvals are still needed. Who was cut off is recorded."
                />
                <button class="button button--primary" type="submit">
                    "Rotate now"
                </button>
            </form>
        </details>
    }
    .into_any()
}

/// "8 instances of 4 services will move to version 13, 2 first."
pub(in crate::pages) fn effect(plan: &RotationPlan) -> String {
    let RotationPlan::Ready {
        next_version,
        services,
        instances,
        first_wave,
        approvals,
    } = plan
    else {
        return String::new();
    };
    let moves = if *instances == 0 {
        format!("Version {next_version} will be made and tested; no instance is live to move to it.")
    } else {
        format!(
            "{} of {} will move to version {next_version}, {} first.",
            words::counted(*instances, "instance"),
            words::counted(*services, "service"),
            words::count(*first_wave),
        )
    };
    let asks = match approvals {
        0 => String::new(),
        number => format!(
            " {} by somebody else {} needed first.",
            words::counted(u64::from(*number), "approval"),
            words::choose(u64::from(*number), "is", "are")
        ),
    };
    format!("{moves} The old version keeps working until the new one has proven itself.{asks}")
}
