//! One credential: what it is, who uses it, what happened to it, and the button.

mod consumers;
mod facts;
mod radius;
mod rotate;
mod schedule;

use leptos::prelude::*;

use self::consumers::consumers;
use self::facts::{facts, findings};
use self::radius::radius;
pub(super) use self::rotate::effect;
use self::rotate::rotate_now;
use self::schedule::schedule;
use super::{Heading, page, parameter};
use crate::components::credential_table::sandbox_mark;
use crate::components::frame::Place;
use crate::components::lanes::{Lane, Lanes};
use crate::components::notice::FormNotice;
use crate::components::panel::Panel;
use crate::components::ring::LargeRing;
use crate::components::rotation_table::{RotationTable, Subject};
use crate::components::sandbox_panel::SandboxPanel;
use crate::form::FormState;
use crate::islands::live::KeepFresh;
use crate::views::credential::{CredentialView, NextRotation};
use crate::views::frame::Frame;
use crate::words;

#[component]
pub fn CredentialPage() -> impl IntoView {
    let name = parameter("name");
    let heading = Heading::new(Place::Credentials, name.clone()).below("Credentials", "/credentials");
    page(
        heading,
        move |reader| async move { reader.credential(&name).await },
        |view, frame| draw(&view, &frame),
    )
    .into_any()
}

fn draw(view: &CredentialView, frame: &Frame) -> AnyView {
    let now = frame.now;
    let state = FormState::current();
    let heading = sentence(view, frame);
    let (history, planned) = (view.history.clone(), view.planned);
    let lanes = view.versions.iter().map(Lane::from).collect();
    let here = format!("/credentials/{}", words::segment(&view.line.name));
    let audit = format!("/audit?subject={}", words::segment(&view.line.name));
    view! {
        <header class="subject">
            <LargeRing age=view.line.age />
            <div class="subject__text">
                <h1 class="subject__name">
                    <bdi>{view.line.name.clone()}</bdi>
                    {view.line.sandbox.then(sandbox_mark)}
                </h1>
                <p class="subject__facts">{kind_line(view)}</p>
                <p class="subject__sentence" data-live="sentence">{heading}</p>
            </div>
            <div class="subject__actions">
                {rotate_now(view, &state)} {schedule(view, frame, &state)}
            </div>
        </header>
        <FormNotice state />
        <Panel title="Versions" live="versions" aside="where two bars overlap, both are accepted">
            <Lanes lanes planned now />
        </Panel>
        <div class="grid grid--two">
            {consumers(view, now)}
            <div class="stack">
                {facts(view)}
                {radius(view)}
                {findings(&view.findings, now)}
            </div>
        </div>
        <SandboxPanel frame=frame.clone() is_sandbox_entry=view.line.sandbox back=here />
        <Panel title="History" live="history">
            {if history.is_empty() {
                view! { <p class="lack">"Not rotated yet."</p> }.into_any()
            } else {
                view! { <RotationTable items=history now subject=Subject::Implied label="Rotations of this credential" /> }.into_any()
            }}
            <p>
                <a href=audit>"Everything in the audit trail"</a>
            </p>
        </Panel>
        <KeepFresh />
    }
    .into_any()
}

/// "database password · production · owner Orders · high sensitivity".
fn kind_line(view: &CredentialView) -> AnyView {
    let line = &view.line;
    let owner = match &line.team {
        Some(team) => view! { "owner " <bdi>{team.clone()}</bdi> }.into_any(),
        None => view! { <strong class="band band--stale">"nobody owns it"</strong> }.into_any(),
    };
    view! {
        {line.kind.clone()}
        " · "
        <bdi>{line.environment.clone()}</bdi>
        " · "
        {owner}
        " · "
        {line.sensitivity.clone()}
        " sensitivity"
    }
    .into_any()
}

/// "Version 12, 6 days old, rotates by itself on 3 March. 8 instances of 4 services use it; all on version 12."
fn sentence(view: &CredentialView, frame: &Frame) -> String {
    let version = match (view.line.current_version, view.line.age) {
        (Some(version), Some(age)) => format!("Version {version}, {} old, ", words::duration(age.age)),
        _ => "No version yet: ".to_owned(),
    };
    let next = match &view.line.next_rotation {
        NextRotation::At(at) if *at <= frame.now => "is due to rotate now.".to_owned(),
        NextRotation::At(at) => format!(
            "rotates by itself on {}.",
            words::day(at.date(), frame.now.date())
        ),
        NextRotation::ByHand => "rotates only when a person starts it.".to_owned(),
        NextRotation::Held { reason } => format!("is held: {reason}."),
        NextRotation::Waits { reason } => format!("waits: {reason}."),
    };
    format!("{version}{next} {}", usage(view))
}

fn usage(view: &CredentialView) -> String {
    let instances: Vec<_> = view
        .consumers
        .iter()
        .flat_map(|consumer| &consumer.instances)
        .collect();
    if view.consumers.is_empty() {
        return "No consumer is declared.".into();
    }
    if instances.is_empty() {
        return format!(
            "{} may use it; none has fetched it yet.",
            words::counted(view.consumers.len() as u64, "service")
        );
    }
    let on_current = instances
        .iter()
        .filter(|instance| instance.version == view.line.current_version)
        .count();
    let state = if on_current == instances.len() {
        view.line
            .current_version
            .map_or(String::new(), |version| format!("; all on version {version}"))
    } else {
        format!("; {} on the current version", words::count(on_current as u64))
    };
    format!(
        "{} of {} {} it{state}.",
        words::counted(instances.len() as u64, "instance"),
        words::counted(view.consumers.len() as u64, "service"),
        words::choose(instances.len() as u64, "uses", "use"),
    )
}
