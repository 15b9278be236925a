//! Re-encryption: the jobs, the places they work in, and the form that begins one.

mod targets;

use leptos::prelude::*;
use time::OffsetDateTime;

use self::targets::targets;
use super::{Heading, page, query};
use crate::components::badge::{Badge, Tone};
use crate::components::choice::{Choice, RadioList};
use crate::components::field::{Field, Select};
use crate::components::form_page::FormProblems;
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::pagination::Pagination;
use crate::components::panel::Panel;
use crate::components::sentence::Sentence;
use crate::form::FormState;
use crate::forms::{JobForm, Values};
use crate::islands::live::KeepFresh;
use crate::views::frame::Frame;
use crate::views::reencryption::{JobLine, JobMode, JobState, ReencryptionsView};
use crate::words;

#[component]
pub fn ReencryptionsPage() -> impl IntoView {
    let cursor = query("cursor");
    let asked = cursor.clone();
    page(
        Heading::new(Place::Keys, "Re-encryption").below("Keys", "/keys"),
        move |reader| async move { reader.reencryptions(asked.as_deref()).await },
        move |view, frame| draw(view, cursor.is_some(), &frame),
    )
}

fn draw(view: ReencryptionsView, is_later: bool, frame: &Frame) -> AnyView {
    let now = frame.now;
    let state = FormState::current();
    let heading = sentence(&view);
    let begin = begin(&view, &state);
    let targets = targets(&view.targets, view.may_administer, now);
    let listing = view.listing;
    let next = listing
        .next_cursor
        .as_deref()
        .map(|cursor| super::address("/reencryptions", [("cursor", Some(cursor))]));
    let first = is_later.then(|| "/reencryptions".to_owned());
    let (shown, total) = (listing.items.len(), listing.total);
    let rows = listing
        .items
        .into_iter()
        .map(|line| row(line, now))
        .collect_view();
    view! {
        <Sentence>{heading}</Sentence>
        <FormProblems state=state.clone() />
        {begin}
        <Panel title="Jobs" live="jobs">
            {if shown == 0 {
                view! {
                    <p class="lack">
                        "No job yet. A scan counts what stands under which version and changes nothing: begin with one."
                    </p>
                }
                    .into_any()
            } else {
                table(rows.into_any())
            }} <Pagination shown total noun="job" next first=first />
        </Panel>
        {targets}
        <KeepFresh />
    }
    .into_any()
}

/// "1 job is running, 1 is paused. 3 targets are registered."
fn sentence(view: &ReencryptionsView) -> String {
    let running = match view.running {
        0 => "No job is running".to_owned(),
        number => format!(
            "{} {} running",
            words::counted(number, "job"),
            words::choose(number, "is", "are")
        ),
    };
    let paused = match view.paused {
        0 => String::new(),
        number => format!(
            ", {} {} paused",
            words::count(number),
            words::choose(number, "is", "are")
        ),
    };
    let targets = view.targets.len() as u64;
    format!(
        "{running}{paused}. {} {} registered.",
        words::counted(targets, "target"),
        words::choose(targets, "is", "are")
    )
}

fn table(rows: AnyView) -> AnyView {
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label="Jobs">
            <table class="table table--lines">
                <thead>
                    <tr>
                        <th scope="col">"Target"</th>
                        <th scope="col">"Key"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Seen"</th>
                        <th scope="col">"Begun"</th>
                        <th scope="col">"By"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(line: JobLine, now: OffsetDateTime) -> AnyView {
    let address = format!("/reencryptions/{}", words::segment(&line.id));
    let seen = match line.total.filter(|total| *total > 0) {
        Some(total) => format!(
            "{} of about {}",
            words::count(line.scanned),
            words::count(total.max(line.scanned))
        ),
        None => words::counted(line.scanned, "record"),
    };
    view! {
        <tr>
            <th scope="row" class="name-cell">
                <a class="name" href=address>
                    <bdi>{line.target}</bdi>
                </a>
            </th>
            <td data-label="Key">
                <bdi class="mono">{line.key}</bdi>
            </td>
            <td data-label="What">
                {line.mode.word()} {line.from.map(|version| format!(" of version {version}"))}
            </td>
            <td data-label="State">{state_badge(&line.state)}</td>
            <td data-label="Seen">{seen}</td>
            <td data-label="Begun">
                <Moment at=line.created_at style=Style::Relative now />
            </td>
            <td data-label="By">
                <bdi>{line.started_by}</bdi>
            </td>
        </tr>
    }
    .into_any()
}

/// The state as a badge.
pub(super) fn state_badge(state: &JobState) -> AnyView {
    let tone = match state {
        JobState::Planned | JobState::Running => Tone::Info,
        JobState::Paused { by_breaker: true, .. } | JobState::Failed { .. } => Tone::Stale,
        JobState::Paused { .. } => Tone::Ageing,
        JobState::Completed => Tone::Fresh,
        JobState::Cancelled { .. } => Tone::Neutral,
    };
    view! { <Badge tone word=state.word() /> }.into_any()
}

/// The form that begins a job; folded away until somebody wants it.
fn begin(view: &ReencryptionsView, state: &FormState) -> AnyView {
    if !view.may_operate || view.targets.is_empty() {
        return ().into_any();
    }
    let own = state.of_action(JobForm::ACTION);
    let is_open = !own.values.is_empty();
    let start = Values::from([("mode".to_owned(), "scan".to_owned())]);
    let own = own.or_values(start);
    let targets: Vec<(String, String)> = view
        .targets
        .iter()
        .map(|target| (target.name.clone(), format!("{} ({})", target.name, target.kind)))
        .collect();
    let modes = JobMode::ALL
        .map(|mode| Choice::new(mode.slug(), &words::sentence_case(mode.word()), mode.effect()))
        .to_vec();
    let state = || own.clone();
    view! {
        <details class="more panel" open=is_open>
            <summary>"Begin a job"</summary>
            <form class="form" method="post">
                <input type="hidden" name="action" value=JobForm::ACTION />
                <div class="form__row">
                    <Select state=state() name="target" label="Target" choices=targets required=true />
                    <Field
                        state=state()
                        name="from"
                        label="Only version"
                        hint="Blank: every version but the active one."
                        autocomplete="off"
                    />
                </div>
                <RadioList state=state() name="mode" label="What" choices=modes />
                <div class="form__row form__row--three">
                    <Field state=state() name="rate" label="Records a second" hint="Blank: as fast as callers allow." autocomplete="off" />
                    <Field state=state() name="concurrency" label="Ranges at once" hint="Over all replicas." autocomplete="off" />
                    <Field state=state() name="batch_size" label="Records of one look" hint="Usually 1,000." autocomplete="off" />
                </div>
                <Field state=state() name="reason" label="Reason" hint="Stands in the audit trail." required=true autocomplete="off" />
                <div class="form__end">
                    <button class="button button--primary" type="submit">
                        "Begin the job"
                    </button>
                </div>
            </form>
        </details>
    }
    .into_any()
}
