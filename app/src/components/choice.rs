//! Choosing: several of a list, one of two or three with their consequences, and what is offered while typing.

use leptos::prelude::*;

use crate::form::FormState;

/// What may be chosen: its value, its words, and a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub remark: String,
}

impl Choice {
    pub fn new(value: &str, label: &str, remark: &str) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
            remark: remark.into(),
        }
    }
}

/// Several of a list, each its own field of the same name; what was ticked stands in the state, a line each.
#[component]
pub fn CheckboxList(
    state: FormState,
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(into)] hint: String,
    choices: Vec<Choice>,
) -> impl IntoView {
    group(&state, name, label, hint, choices, Ticks::Several)
}

/// One of a few, each with what it means.
#[component]
pub fn RadioList(
    state: FormState,
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: String,
    choices: Vec<Choice>,
) -> impl IntoView {
    group(&state, name, label, hint, choices, Ticks::One)
}

/// Values offered while typing into the field that names this id.
#[component]
pub fn Suggestions(id: &'static str, values: Vec<String>) -> impl IntoView {
    let options = values
        .into_iter()
        .map(|value| view! { <option value=value></option> })
        .collect_view();
    view! { <datalist id=id>{options}</datalist> }.into_any()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ticks {
    One,
    Several,
}

fn group(
    state: &FormState,
    name: &'static str,
    label: String,
    hint: String,
    choices: Vec<Choice>,
    ticks: Ticks,
) -> AnyView {
    let typed = state.value(name).unwrap_or_default();
    let error = state.error(name);
    let described_by = [
        error.as_ref().map(|_| format!("{name}-error")),
        (!hint.is_empty()).then(|| format!("{name}-hint")),
    ];
    let described_by: Vec<String> = described_by.into_iter().flatten().collect();
    let described_by = (!described_by.is_empty()).then(|| described_by.join(" "));
    let is_invalid = error.as_ref().map(|_| "true");
    let rows = choices
        .into_iter()
        .enumerate()
        .map(|(index, choice)| {
            let is_ticked = typed.lines().any(|line| line == choice.value);
            row(name, index, choice, is_ticked, ticks)
        })
        .collect_view();
    let hint = (!hint.is_empty()).then(|| {
        view! {
            <p class="field__hint" id=format!("{name}-hint")>
                {hint}
            </p>
        }
    });
    let error = error.map(|error| {
        view! {
            <p class="field__error" id=format!("{name}-error")>
                {error}
            </p>
        }
    });
    view! {
        <fieldset class="field field--choices" id=name tabindex="-1" aria-describedby=described_by data-invalid=is_invalid>
            <legend class="field__label">{label}</legend>
            {hint}
            <div class="choice-list" class:choice-list--long=(ticks == Ticks::Several)>
                {rows}
            </div>
            {error}
        </fieldset>
    }
    .into_any()
}

fn row(name: &'static str, index: usize, choice: Choice, is_ticked: bool, ticks: Ticks) -> AnyView {
    let id = format!("{name}-{index}");
    let kind = if ticks == Ticks::One { "radio" } else { "checkbox" };
    let remark = (!choice.remark.is_empty()).then(|| {
        view! {
            <span class="choice__remark">
                <bdi>{choice.remark}</bdi>
            </span>
        }
    });
    view! {
        <label class="choice" for=id.clone()>
            <input class="field__check" id=id.clone() name=name type=kind value=choice.value checked=is_ticked />
            <span class="choice__text">
                <bdi class="choice__label">{choice.label}</bdi>
                " "
                {remark}
            </span>
        </label>
    }
    .into_any()
}
