//! When it rotates and how carefully.

use leptos::prelude::*;

use crate::components::choice::{Choice, RadioList};
use crate::components::field::Field;
use crate::components::form_page::group;
use crate::form::FormState;

pub(super) fn timing(state: &FormState) -> AnyView {
    view! {
        {group("When it rotates", "Spans are written as 90 days, 12 hours, 30 minutes, or P90D.", view! {
            <div class="form__row">
                <Field
                    state=state.clone()
                    name="max_age"
                    label="A version lives at most"
                    hint="Rota rotates by itself before then. An older version is overdue."
                    required=true
                    autocomplete="off"
                />
                <Field
                    state=state.clone()
                    name="grace"
                    label="The old version stays for"
                    hint="At least this long after everyone has the new one. It is the way back."
                    required=true
                    autocomplete="off"
                />
            </div>
            <div class="form__row">
                <Field
                    state=state.clone()
                    name="waves"
                    label="Waves"
                    hint="Per cent of the live instances that move, one wave after the other. The first is the canary, the last is 100."
                    required=true
                    autocomplete="off"
                />
                <Field
                    state=state.clone()
                    name="soak"
                    label="Each wave is watched for"
                    hint="Longer than your programs need to use it at least once."
                    required=true
                    autocomplete="off"
                />
            </div>
            <Field
                state=state.clone()
                name="approvals"
                label="Approvals"
                hint="How many others must agree before a rotation starts. 0 lets it start by itself; an emergency does not skip it."
                kind="number"
                required=true
                autocomplete="off"
            />
        }.into_any())}
    }
    .into_any()
}

pub(super) fn watching(state: &FormState) -> AnyView {
    let evidence = vec![
        Choice::new(
            "signals",
            "What consumers report",
            "Each says which logins were accepted and refused. Silence holds the rotation; it never counts as success.",
        ),
        Choice::new(
            "acks_and_probe",
            "Acknowledgements and Rota's own test",
            "For programs that report nothing. Weaker: a failure that only they see is not noticed. Shown on the credential and in the audit trail.",
        ),
    ];
    let details = ["max_hold", "rollback_drain", "yellow_from", "red_from"];
    let is_open = details.iter().any(|name| state.error(name).is_some());
    view! {
        {group("What proves that a wave is well", "", view! {
            <RadioList state=state.clone() name="evidence" label="Evidence" choices=evidence />
            <details class="more" open=is_open>
                <summary>"Limits and colours"</summary>
                <div class="form__row">
                    <Field
                        state=state.clone()
                        name="max_hold"
                        label="A hold alerts after"
                        hint="A rotation that waits longer needs a person."
                        autocomplete="off"
                    />
                    <Field
                        state=state.clone()
                        name="rollback_drain"
                        label="A rollback waits for stragglers"
                        hint="Then the new version is revoked even if an instance that had it never came back."
                        autocomplete="off"
                    />
                </div>
                <div class="form__row">
                    <Field state=state.clone() name="yellow_from" label="Ageing from" hint="Fresh until then." autocomplete="off" />
                    <Field state=state.clone() name="red_from" label="Stale from" autocomplete="off" />
                </div>
            </details>
        }.into_any())}
    }
    .into_any()
}
