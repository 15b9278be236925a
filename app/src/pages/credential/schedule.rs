//! Holding the schedule, letting it go, and the way to deleting: each says what it does before it is pressed.

use leptos::prelude::*;

use crate::components::ask::Ask;
use crate::form::FormState;
use crate::forms::HoldForm;
use crate::views::credential::{CredentialView, NextRotation};
use crate::views::frame::Frame;
use crate::words;

pub(super) fn schedule(view: &CredentialView, frame: &Frame, state: &FormState) -> AnyView {
    if !view.may_operate {
        return ().into_any();
    }
    let delete = format!("/credentials/{}/delete", words::segment(&view.line.name));
    view! {
        {hold_or_resume(view, frame, state)}
        <a class="button button--quiet" href=delete>
            "Delete"
        </a>
    }
    .into_any()
}

fn hold_or_resume(view: &CredentialView, frame: &Frame, state: &FormState) -> AnyView {
    match &view.schedule_hold {
        Some(reason) => {
            let due = match view.planned {
                Some(at) if at <= frame.now => "It is due, so a rotation begins within a minute.".to_owned(),
                Some(at) => format!(
                    "It rotates by itself on {}, when the last tenth of its lifetime begins.",
                    words::day(at.date(), frame.now.date())
                ),
                None => "It rotates by itself again.".to_owned(),
            };
            let effect = format!("{due} It has been held: “{reason}”.");
            view! {
                <Ask
                    state=state.clone()
                    action=HoldForm::RESUME
                    label="Resume schedule"
                    effect=effect
                    hint="Stands in the audit trail."
                />
            }
            .into_any()
        }
        None => {
            let planned = match &view.line.next_rotation {
                NextRotation::At(at) if *at > frame.now => format!(
                    "The rotation planned for {} will not begin",
                    words::day(at.date(), frame.now.date())
                ),
                _ => "No scheduled rotation will begin".to_owned(),
            };
            let effect = format!(
                "{planned} until somebody resumes the schedule; “Rotate now” still works, and one that is under way goes on. Past its lifetime of {} it counts as overdue.",
                words::duration(view.policy.max_age)
            );
            view! {
                <Ask
                    state=state.clone()
                    action=HoldForm::ACTION
                    label="Hold schedule"
                    effect=effect
                    hint="Shown wherever the next rotation is."
                />
            }
            .into_any()
        }
    }
}
