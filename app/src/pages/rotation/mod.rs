//! One rotation, live: steps, fleet, chart, log, and the way back always on screen.

mod actions;
mod log;
mod verdict;

use leptos::prelude::*;

use self::actions::buttons;
use self::log::event_log;
use self::verdict::verdict_panel;
use super::{Heading, page, parameter, query};
use crate::components::badge::StageBadge;
use crate::components::fleet::FleetSquares;
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::notice::FormNotice;
use crate::components::panel::Panel;
use crate::components::rotation_table::{countdown, version_step};
use crate::components::sandbox_panel::SandboxPanel;
use crate::components::steps::Steps;
use crate::components::way_back::WayBack;
use crate::form::FormState;
use crate::islands::live::Live;
use crate::views::frame::Frame;
use crate::views::rotation::{LogFilter, RotationView, Stage, Verb};
use crate::words;

#[component]
pub fn RotationPage() -> impl IntoView {
    let id = parameter("id");
    let filter = query("log")
        .and_then(|text| LogFilter::parse(&text))
        .unwrap_or_default();
    let heading = Heading::new(Place::Rotations, "Rotation").below("Rotations", "/rotations");
    page(
        heading,
        move |reader| async move { reader.rotation(&id).await },
        move |view, frame| draw(view, filter, &frame),
    )
    .into_any()
}

fn draw(view: RotationView, filter: LogFilter, frame: &Frame) -> AnyView {
    let now = frame.now;
    let state = FormState::current();
    let is_over = view.line.stage.is_over();
    let events = format!("/api/v1/rotations/{}/events", words::segment(&view.line.id));
    let reason = view.line.stage.reason().map(str::to_owned);
    let why = reason.map(|reason| why(&view, reason));
    // The way back has its own button beside it; the others stand at the top.
    let (back, others): (Vec<_>, Vec<_>) = view
        .actions
        .iter()
        .cloned()
        .partition(|action| action.verb == Verb::Rollback);
    let back = buttons(back, &state);
    let way_back = view.way_back.clone();
    let (steps, fleet) = (view.steps.clone(), view.fleet.clone());
    let (sandboxed, back_here) = (
        view.sandbox,
        format!("/rotations/{}", words::segment(&view.line.id)),
    );
    let (from, to, started_at) = (view.line.from_version, view.line.to_version, view.line.started_at);
    view! {
        <header class="subject subject--flat">
            <div class="subject__text">
                <h1 class="subject__title" data-live="title" data-over=is_over.then_some("")>
                    {title(&view, frame)}
                </h1>
                <p class="subject__facts" data-live="facts">
                    {facts(&view, frame)}
                </p>
                {(!is_over).then(|| view! { <Live events /> })}
            </div>
            <div class="subject__actions" data-live="actions">
                {buttons(others, &state)}
            </div>
        </header>
        <FormNotice state=state.clone() />
        <div data-live="why">{why}</div>
        <div class="rotation">
            <Panel title="Steps" live="steps" class="rotation__steps">
                <Steps steps started_at />
            </Panel>
            <Panel title="Fleet" live="fleet" class="rotation__fleet">
                <FleetSquares services=fleet from to />
            </Panel>
            <Panel title="Way back" live="way-back" class="rotation__way-back">
                {match way_back {
                    Some(way_back) => {
                        view! {
                            <WayBack way_back now>
                                {back}
                            </WayBack>
                        }
                            .into_any()
                    }
                    None => {
                        view! { <p class="lack">"This is the first version: there is nothing to return to."</p> }.into_any()
                    }
                }}
            </Panel>
            {verdict_panel(view.verdict)}
            {event_log(view.log, filter, &back_here)}
        </div>
        <SandboxPanel frame=frame.clone() is_sandbox_entry=sandboxed back=back_here.clone() />
    }
    .into_any()
}

/// "Rotating orders-app 12 → 13 · wave 2 of 3, soaking, 18 s left".
fn title(view: &RotationView, frame: &Frame) -> AnyView {
    let line = &view.line;
    let verb = match line.stage {
        Stage::Completed => "Rotated",
        Stage::RolledBack { .. } | Stage::RollingBack { .. } | Stage::Cancelled { .. } => "Rotation of",
        _ => "Rotating",
    };
    view! {
        {verb}
        " "
        <a class="name" href=format!("/credentials/{}", words::segment(&line.credential))>
            <bdi>{line.credential.clone()}</bdi>
        </a>
        " "
        <span class="subject__step">{version_step(line.from_version, line.to_version)}</span>
        " "
        <span class="subject__stage">
            <StageBadge stage=line.stage.clone() />
            {countdown(&line.stage, frame.now)}
        </span>
    }
    .into_any()
}

fn facts(view: &RotationView, frame: &Frame) -> AnyView {
    let line = &view.line;
    let now = frame.now;
    let took = line.finished_at.map(|finished| {
        format!(
            ", took {}",
            words::duration((finished - line.started_at).unsigned_abs())
        )
    });
    let emergency = line
        .emergency
        .then(|| view! { <span class="mark-emergency">"emergency"</span> " " });
    view! {
        {emergency}
        "Started "
        <Moment at=line.started_at style=Style::Relative now />
        " by "
        <bdi>{line.started_by.clone()}</bdi>
        {took}
        ": “"
        <bdi>{view.reason.clone()}</bdi>
        "”."
    }
    .into_any()
}

/// Why it was rolled back, held or stuck, and what is known.
fn why(view: &RotationView, reason: String) -> AnyView {
    let (class, headline) = match view.line.stage {
        Stage::NeedsOperator { .. } => ("notice notice--stale", "A person must decide. "),
        Stage::Paused { .. } => ("notice notice--ageing", "Held. Both versions are accepted. "),
        Stage::RollingBack { .. } => ("notice notice--ageing", "Rolling back. "),
        Stage::RolledBack { .. } => ("notice notice--ageing", "Rolled back. "),
        _ => ("notice", ""),
    };
    let note = view.operator_note.clone().map(|note| view! { <p>{note}</p> });
    view! {
        <div class=class>
            <p>
                <strong>{headline}</strong>
                {reason}
            </p>
            {note}
        </div>
    }
    .into_any()
}
