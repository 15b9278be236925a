//! Creating a key, and changing what may be changed of one.

mod edit;

use leptos::prelude::*;

pub use self::edit::EditKeyPage;
use super::{Heading, page};
use crate::components::choice::{Choice, RadioList, Suggestions};
use crate::components::field::{Checkbox, Field, TextArea};
use crate::components::form_page::{form_page, group};
use crate::components::frame::Place;
use crate::form::FormState;
use crate::forms::Values;
use crate::views::key::KeyFormView;

#[component]
pub fn NewKeyPage() -> impl IntoView {
    page(
        Heading::new(Place::Keys, "Create a key").below("Keys", "/keys"),
        |reader| async move { reader.key_form(None).await },
        |view, _| draw(&view),
    )
}

fn draw(view: &KeyFormView) -> AnyView {
    let start = Values::from([
        ("algorithm".to_owned(), "aes256-gcm".to_owned()),
        ("sensitivity".to_owned(), "medium".to_owned()),
    ]);
    let state = FormState::current().or_values(start);
    form_page(
        "Create a key",
        "Version 1 is made, sealed under the wrapping key of its class and active at once. Its material never leaves unless you allow that here.",
        state.clone(),
        view! {
            {what(view, &state)}
            {group("Algorithm", "Decides the one purpose of the key; it cannot be changed later.", algorithms(view, &state))}
            {group("Class", "Each class has wrapping keys of its own: those of one open nothing of another.", classes(&state))}
            {group("Rotation", "Left blank, the class decides: 90 days, 60 when high, 30 when critical; 7 days of grace.", rotation(&state))}
            {group("Who may use it", "", callers(&state))}
            <div class="form__end">
                <button class="button button--primary" type="submit">
                    "Create the key"
                </button>
                <a class="button button--quiet" href="/keys">
                    "Not now"
                </a>
            </div>
        }
        .into_any(),
    )
}

fn what(view: &KeyFormView, state: &FormState) -> AnyView {
    let own = state.clone();
    group(
        "What it is",
        "",
        view! {
            <Field
                state=own
                name="name"
                label="Name"
                hint="Stands in every address and audit entry. Lower-case letters, digits, dots and dashes."
                required=true
                autocomplete="off"
            />
            {description(view, state)}
        }
        .into_any(),
    )
}

/// What a person says of a key, new or not.
fn description(view: &KeyFormView, state: &FormState) -> AnyView {
    let (teams, environments) = (view.teams.clone(), view.environments.clone());
    let state = || state.clone();
    view! {
        <Field state=state() name="description" label="Purpose" hint="What is sealed or signed with it, in a sentence." />
        <div class="form__row">
            <Field state=state() name="owner_team" label="Owner" hint="The team that is asked when it fails." list="teams" />
            <Field
                state=state()
                name="environment"
                label="Environment"
                hint="Freezes of it hold back its rotations."
                list="environments"
            />
        </div>
        <Suggestions id="teams" values=teams />
        <Suggestions id="environments" values=environments />
    }
    .into_any()
}

fn algorithms(view: &KeyFormView, state: &FormState) -> AnyView {
    let choices = view
        .algorithms
        .iter()
        .map(|algorithm| {
            let label = format!("{} · {}", algorithm.name, algorithm.purpose);
            Choice::new(&algorithm.name, &label, &algorithm.remark)
        })
        .collect();
    view! { <RadioList state=state.clone() name="algorithm" label="Algorithm" choices /> }.into_any()
}

fn classes(state: &FormState) -> AnyView {
    let choices = vec![
        Choice::new("low", "Low", "Test data, public data that must not be changed."),
        Choice::new("medium", "Medium", "Ordinary data of the business."),
        Choice::new("high", "High", "Personal data. Replaced every 60 days."),
        Choice::new(
            "critical",
            "Critical",
            "Payment, health, secrets. Replaced every 30 days; without named callers only administrators use it.",
        ),
    ];
    view! { <RadioList state=state.clone() name="sensitivity" label="Sensitivity" choices /> }.into_any()
}

fn rotation(state: &FormState) -> AnyView {
    let state = || state.clone();
    view! {
        <div class="form__row form__row--three">
            <Field state=state() name="rotate_every" label="Replaced every" hint="Such as 90 days." autocomplete="off" />
            <Field state=state() name="grace" label="Grace" hint="Unopened so long, it is drained." autocomplete="off" />
            <Field state=state() name="max_uses" label="Uses at most" hint="At most 2,147,483,648." autocomplete="off" />
        </div>
    }
    .into_any()
}

fn callers(state: &FormState) -> AnyView {
    let state = || state.clone();
    view! {
        <TextArea
            state=state()
            name="callers"
            label="Callers"
            hint="Names of programs, consumers or people, a line each. Nobody named: every operator."
        />
        <Checkbox
            state=state()
            name="exportable"
            label="Its material may be exported, wrapped"
            hint="Can be taken away later and not given back."
        />
        {tags(&state())}
    }
    .into_any()
}

fn tags(state: &FormState) -> AnyView {
    view! {
        <details class="more">
            <summary>"Tags"</summary>
            <TextArea state=state.clone() name="tags" label="Tags" hint="name=value, one on each line." />
        </details>
    }
    .into_any()
}
