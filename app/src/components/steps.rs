//! The steps of a rotation as a rail, with the time at which each began.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::views::rotation::{StepLine, StepState};
use crate::words;

#[component]
pub fn Steps(steps: Vec<StepLine>, started_at: OffsetDateTime) -> impl IntoView {
    let steps = steps.into_iter().map(|step| one(step, started_at)).collect_view();
    view! { <ol class="steps">{steps}</ol> }.into_any()
}

fn one(step: StepLine, started_at: OffsetDateTime) -> AnyView {
    let since_start = step
        .started_at
        .map(|at| words::offset((at - started_at).unsigned_abs()));
    let took = step
        .started_at
        .zip(step.finished_at)
        .map(|(from, until)| (until - from).unsigned_abs());
    let spoken = took.map(|took| format!("took {}", words::duration_short(took)));
    view! {
        <li class=format!("step step--{}", step.state.word()) aria-current=(step.state == StepState::Running).then_some("step")>
            {mark(step.state)} <div class="step__text">
                <span class="step__name">{step.name}</span>
                <span class="hidden">", " {step.state.word()}</span>
                {step.detail.map(|detail| view! { <p class="step__detail">{detail}</p> })}
            </div> <span class="step__time" title=spoken>
                {since_start}
            </span>
        </li>
    }
    .into_any()
}

fn mark(state: StepState) -> AnyView {
    let inner = match state {
        StepState::Ahead => view! { <circle class="step__line" cx="8" cy="8" r="4.5" /> }.into_any(),
        StepState::Running => view! {
            <circle class="step__line" cx="8" cy="8" r="5.5" />
            <circle class="step__fill" cx="8" cy="8" r="2.5" />
        }
        .into_any(),
        StepState::Done => view! { <path class="step__line" d="M3.5 8.5 6.7 11.7 12.5 5" /> }.into_any(),
        StepState::Failed => view! { <path class="step__line" d="M4 4l8 8M12 4l-8 8" /> }.into_any(),
        StepState::Undone => {
            view! { <path class="step__line" d="M6 4 3 7l3 3M3 7h6a3 3 0 0 1 0 6H7" /> }.into_any()
        }
        StepState::Skipped => view! { <path class="step__line" d="M4 8h8" /> }.into_any(),
    };
    view! {
        <svg class="step__mark" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
            {inner}
        </svg>
    }
    .into_any()
}
