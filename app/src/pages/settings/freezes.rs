//! Freezes: scheduled rotations wait, what is under way goes on.

use leptos::prelude::*;

use crate::components::field::{Field, Select};
use crate::components::moment::Moment;
use crate::components::panel::Panel;
use crate::form::FormState;
use crate::forms::{FreezeForm, SubjectForm};
use crate::views::frame::{Frame, Freeze};
use crate::views::settings::SettingsView;
use crate::words;

pub(super) fn freezes(view: &SettingsView, state: &FormState, frame: &Frame) -> AnyView {
    let rows = view
        .freezes
        .iter()
        .map(|freeze| row(freeze, view.may_operate))
        .collect_view();
    let none = view
        .freezes
        .is_empty()
        .then(|| view! { <p class="lack">"No freeze is on: what is due rotates by itself."</p> });
    let add = view.may_operate.then(|| form(state, frame));
    view! {
        <div id="freezes">
            <Panel title="Freezes" aside="scheduled rotations wait; what is under way goes on; an emergency is not held back">
                <ul class="needs">{rows}</ul>
                {none}
                {add}
            </Panel>
        </div>
    }
    .into_any()
}

fn row(freeze: &Freeze, may_operate: bool) -> AnyView {
    let scope = freeze
        .environment
        .clone()
        .unwrap_or_else(|| "every environment".into());
    let until = match freeze.until {
        Some(at) => view! { "until " <Moment at /> }.into_any(),
        None => "until it is lifted".into_any(),
    };
    let waiting = freeze.waiting;
    let effect = format!(
        "{} in {scope} may then start by themselves.",
        words::counted(waiting, "scheduled rotation")
    );
    let lift = may_operate.then(|| {
        view! {
            <details class="ask">
                <summary class="button">"Lift"</summary>
                <form class="ask__sheet form" method="post">
                    <input type="hidden" name="action" value=SubjectForm::LIFT_FREEZE />
                    <input type="hidden" name="id" value=freeze.id.clone() />
                    <p class="ask__effect">{effect}</p>
                    <button class="button button--primary" type="submit">
                        "Lift the freeze"
                    </button>
                </form>
            </details>
        }
    });
    view! {
        <li class="need">
            <div class="need__what">
                <p class="need__text">
                    <strong>
                        <bdi>{freeze.environment.clone().unwrap_or_else(|| "every environment".into())}</bdi>
                    </strong> ": " <bdi>{freeze.reason.clone()}</bdi>
                </p>
                <p class="need__who">
                    "by " <bdi>{freeze.who.clone()}</bdi> " since " <Moment at=freeze.since /> ", " {until} ". "
                    {format!("{} {}.", words::counted(waiting, "rotation"), words::choose(waiting, "waits", "wait"))}
                </p>
            </div>
            {lift}
        </li>
    }
    .into_any()
}

fn form(state: &FormState, frame: &Frame) -> AnyView {
    let is_open = state.is_for(FreezeForm::ACTION);
    let state = state.of_action(FreezeForm::ACTION);
    let choices: Vec<(String, String)> = std::iter::once((String::new(), "every environment".to_owned()))
        .chain(frame.environments.iter().map(|name| (name.clone(), name.clone())))
        .collect();
    view! {
        <details class="more" open=is_open>
            <summary>"Start a freeze"</summary>
            <form class="form" method="post" action="/settings">
                <input type="hidden" name="action" value=FreezeForm::ACTION />
                <p class="ask__effect">
                    "No scheduled rotation starts from now on. The freeze, its reason and your name are shown on every page."
                </p>
                <Field
                    state=state.clone()
                    name="reason"
                    id_prefix=FreezeForm::ACTION
                    label="Reason"
                    required=true
                    autocomplete="off"
                />
                <div class="form__row">
                    <Select state=state.clone() name="environment" id_prefix=FreezeForm::ACTION label="Where" choices />
                    <Field
                        state
                        name="until"
                        id_prefix=FreezeForm::ACTION
                        label="Until (UTC)"
                        hint="Left blank, until somebody lifts it."
                        kind="datetime-local"
                    />
                </div>
                <div class="form__end">
                    <button class="button button--primary" type="submit">
                        "Freeze scheduled rotations"
                    </button>
                </div>
            </form>
        </details>
    }
    .into_any()
}
