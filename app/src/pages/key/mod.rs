//! One key: its versions, what stands under them, what they do, and the buttons.

mod census;
mod facts;
mod versions;

use leptos::prelude::*;

use self::census::census;
use self::facts::{facts, usage};
use self::versions::versions;
use super::{Heading, page, parameter};
use crate::charts::versions::RatesByVersion;
use crate::components::ask::{Ask, Weight};
use crate::components::field::Checkbox;
use crate::components::finding_list::FindingList;
use crate::components::frame::Place;
use crate::components::lanes::{Lane, Lanes};
use crate::components::notice::FormNotice;
use crate::components::panel::Panel;
use crate::components::ring::LargeRing;
use crate::form::FormState;
use crate::forms::{ClearAlarmForm, RotateKeyForm};
use crate::islands::live::KeepFresh;
use crate::views::credential::NextRotation;
use crate::views::frame::Frame;
use crate::views::key::{KeyView, RotateKey};
use crate::words;

#[component]
pub fn KeyPage() -> impl IntoView {
    let name = parameter("name");
    let heading = Heading::new(Place::Keys, name.clone()).below("Keys", "/keys");
    page(
        heading,
        move |reader| async move { reader.key(&name).await },
        |view, frame| draw(&view, &frame),
    )
}

fn draw(view: &KeyView, frame: &Frame) -> AnyView {
    let now = frame.now;
    let state = FormState::current();
    let heading = sentence(view, frame);
    let lanes = view.versions.iter().map(Lane::from).collect();
    let versions = versions(view, &state, now);
    let (planned, operations) = (view.planned, view.operations.clone());
    let findings = (!view.findings.is_empty()).then(|| {
        let items = view.findings.clone();
        let clear = clear_alarm(view, &state);
        view! {
            <Panel title="Findings">
                <FindingList items now />
                {clear}
            </Panel>
        }
    });
    let edit = format!("/keys/{}/edit", words::segment(&view.line.name));
    let change = view.may_operate.then(|| {
        view! {
            <a class="button" href=edit>
                "Change"
            </a>
        }
    });
    let audit = format!(
        "/audit?subject={}",
        words::segment(&format!("key/{}", view.line.name))
    );
    view! {
        <header class="subject">
            <LargeRing age=view.line.age />
            <div class="subject__text">
                <h1 class="subject__name">
                    <bdi>{view.line.name.clone()}</bdi>
                </h1>
                <p class="subject__facts">{kind_line(view)}</p>
                <p class="subject__sentence" data-live="sentence">{heading}</p>
            </div>
            <div class="subject__actions">
                {rotate(view, &state)} {change}
            </div>
        </header>
        <FormNotice state=state.clone() />
        {findings}
        <Panel title="Versions" live="versions" aside="strong while it seals, pale while it only opens">
            <Lanes lanes planned now what="In use" empty="No version yet." />
            {versions}
        </Panel>
        <div class="grid grid--two">
            {census(view, now)}
            <div class="stack">
                <Panel title="Operations" live="operations" aside="per second, by version, in the last ten minutes">
                    <RatesByVersion series=operations />
                </Panel>
                {facts(view)}
                {usage(view)}
            </div>
        </div>
        <p>
            <a href=audit>"Everything in the audit trail"</a>
        </p>
        <KeepFresh />
    }
    .into_any()
}

/// "aes256-gcm · encrypt · production · owner Orders · high sensitivity".
fn kind_line(view: &KeyView) -> AnyView {
    let line = &view.line;
    let owner = match &line.team {
        Some(team) => view! { "owner " <bdi>{team.clone()}</bdi> }.into_any(),
        None => view! { <strong class="band band--stale">"nobody owns it"</strong> }.into_any(),
    };
    let environment = line
        .environment
        .clone()
        .map(|name| view! { " · " <bdi>{name}</bdi> });
    view! {
        {line.algorithm.clone()}
        " · "
        {line.purpose.clone()}
        {environment}
        " · "
        {owner}
        " · "
        {line.sensitivity.clone()}
        " sensitivity"
    }
    .into_any()
}

/// "Version 3 is active, 12 days old, replaced by itself on 3 March. 2 older versions still open what they sealed."
fn sentence(view: &KeyView, frame: &Frame) -> String {
    let Some(active) = view.line.active else {
        return "No version is active: whoever asks to seal is refused until one is resumed or replaced."
            .to_owned();
    };
    let age = view
        .line
        .age
        .map_or(String::new(), |age| format!(", {} old", words::duration(age.age)));
    let next = match &view.line.next_rotation {
        NextRotation::At(at) if *at <= frame.now => ", due to be replaced now".to_owned(),
        NextRotation::At(at) => format!(
            ", replaced by itself on {}",
            words::day(at.date(), frame.now.date())
        ),
        NextRotation::ByHand => ", replaced only when a person does it".to_owned(),
        NextRotation::Held { reason } => format!(", held: {reason}"),
        NextRotation::Waits { reason } => format!(", waiting: {reason}"),
    };
    let promoting = view.promoting.map_or(String::new(), |number| {
        format!(" Version {number} is being handed to every replica.")
    });
    let older = match view.line.opening {
        0 => "No older version opens anything.".to_owned(),
        number => format!(
            "{} still {} what {} sealed.",
            words::counted(number, "older version"),
            words::choose(number, "opens", "open"),
            words::choose(number, "it", "they")
        ),
    };
    format!("Version {active} is active{age}{next}.{promoting} {older}")
}

/// Beside the finding, for whoever may say that it was looked into.
fn clear_alarm(view: &KeyView, state: &FormState) -> Option<AnyView> {
    if !view.has_alarm {
        return None;
    }
    if !view.may_administer {
        return Some(view! { <p class="lack">"An administrator clears the alarm."</p> }.into_any());
    }
    let ask = view! {
        <Ask
            state=state.clone()
            action=ClearAlarmForm::ACTION
            label="Clear the alarm"
            effect="The key may be rotated again, and what does not open is counted anew. Nothing that does not open is mended by this."
            hint="What you found. It stands in the audit trail."
        />
    };
    Some(ask.into_any())
}

fn rotate(view: &KeyView, state: &FormState) -> AnyView {
    if !view.may_operate {
        return view! { <p class="lack">"Your role may look, not rotate."</p> }.into_any();
    }
    let (effect, why) = match &view.rotate {
        RotateKey::Blocked { reason } => {
            return view! { <p class="lack">{reason.clone()}</p> }.into_any();
        }
        RotateKey::Ready { next_version } => (rotate_effect(*next_version), None),
        RotateKey::NotDrained { next_version, why } => (rotate_effect(*next_version), Some(why.clone())),
    };
    let own = state.of_action(RotateKeyForm::ACTION);
    let confirm = why.map(|why| {
        view! {
            <p class="notice notice--ageing">{why}</p>
            <Checkbox
                state=own
                name="confirm"
                id_prefix="rotate"
                label="Rotate all the same"
                hint="A third version then opens values; the oldest stays until it is drained."
            />
        }
    });
    view! {
        <Ask
            state=state.clone()
            action=RotateKeyForm::ACTION
            label="Rotate now"
            effect=effect
            weight=Weight::Primary
        >
            {confirm}
        </Ask>
    }
    .into_any()
}

fn rotate_effect(next_version: u64) -> String {
    format!(
        "Version {next_version} is made and handed to every replica, then seals. Version {} goes on opening what it sealed; no caller has to change anything.",
        next_version.saturating_sub(1)
    )
}
