//! One re-encryption job, live: how far it is, how fast, what failed, and the buttons.

mod failing;

use leptos::prelude::*;

use self::failing::failing;
use super::reencryptions::state_badge;
use super::{Heading, page, parameter};
use crate::charts::job::JobChart;
use crate::charts::versions::rate;
use crate::components::ask::{Ask, Weight};
use crate::components::field::Field;
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::notice::FormNotice;
use crate::components::panel::Panel;
use crate::form::FormState;
use crate::forms::{JobActForm, Values};
use crate::islands::live::KeepFresh;
use crate::views::frame::Frame;
use crate::views::reencryption::{JobCounts, JobMode, JobState, JobView};
use crate::words;

#[component]
pub fn ReencryptionPage() -> impl IntoView {
    let id = parameter("id");
    let heading = Heading::new(Place::Keys, "Job")
        .below("Keys", "/keys")
        .below("Re-encryption", "/reencryptions");
    page(
        heading,
        move |reader| async move { reader.reencryption(&id).await },
        |view, frame| draw(&view, &frame),
    )
}

fn draw(view: &JobView, frame: &Frame) -> AnyView {
    let state = FormState::current();
    let now = frame.now;
    let line = &view.line;
    let (progress, counts, tuning) = (progress(view), counts(view), tuning(view, &state));
    let is_over = line.state.is_over();
    let why = why(view);
    let failed = view.counts.unreadable + view.counts.differing;
    let failing = failing(&view.failing, failed, line.mode == JobMode::Scan, now);
    view! {
        <header class="subject subject--flat">
            <div class="subject__text">
                <h1 class="subject__title" data-live="title">
                    {words::sentence_case(line.mode.word())} " of " <bdi class="name">{line.target.clone()}</bdi>
                    <span class="subject__stage">{state_badge(&line.state)}</span>
                </h1>
                <p class="subject__facts">
                    "Key "
                    <a class="name" href=format!("/keys/{}", words::segment(&line.key))>
                        <bdi>{line.key.clone()}</bdi>
                    </a>
                    {line.from.map(|version| format!(", only version {version}"))} ". Begun "
                    <Moment at=line.created_at style=Style::Relative now /> " by " <bdi>{line.started_by.clone()}</bdi> ": “"
                    <bdi>{view.reason.clone()}</bdi> "”."
                </p>
            </div>
            <div class="subject__actions" data-live="actions">
                {buttons(view, &state)}
            </div>
        </header>
        <FormNotice state=state.clone() />
        <div data-live="why">{why}</div>
        <Panel title="Progress" live="progress">{progress}</Panel>
        {speed(view)}
        <div class="grid grid--two">
            <Panel title="What was done" live="counts">{counts}</Panel>
            <Panel title="Pace">{tuning}</Panel>
        </div>
        {failing}
        {(!is_over).then(|| view! { <KeepFresh /> })}
    }
    .into_any()
}

fn why(view: &JobView) -> AnyView {
    let trouble = view.trouble.clone().map(|trouble| {
        view! { <p class="notice notice--ageing">"It does not get on: " {trouble} " It tries again by itself."</p> }
    });
    let reason = view.line.state.why().map(str::to_owned).map(|why| {
        let (class, headline) = match &view.line.state {
            JobState::Paused { by_breaker: true, .. } => (
                "notice notice--stale",
                "It paused itself: too many records did not open. Nothing was lost; they stand as they were. ",
            ),
            JobState::Failed { .. } => ("notice notice--stale", "It cannot be carried on. "),
            JobState::Paused { .. } => ("notice notice--ageing", "Paused. "),
            _ => ("notice", "Cancelled. What was moved stays moved. "),
        };
        view! {
            <div class=class>
                <p>
                    <strong>{headline}</strong>
                    {why}
                </p>
            </div>
        }
    });
    view! {
        {trouble}
        {reason}
    }
    .into_any()
}

/// "1,204 of about 10,000 records, 980 a second, 9 seconds left." When it is completed: "10,012 records."
fn progress(view: &JobView) -> AnyView {
    let line = &view.line;
    let total = line
        .total
        .map(|total| total.max(line.scanned))
        .filter(|total| *total > 0);
    let share = match (total, &line.state) {
        (_, JobState::Completed) => 1.0,
        (Some(total), _) => line.scanned as f64 / total as f64,
        (None, _) => 0.0,
    };
    let is_over = line.state.is_over();
    let seen = match total {
        _ if line.state == JobState::Completed => words::counted(line.scanned, "record"),
        Some(total) => format!(
            "{} of about {}",
            words::count(line.scanned),
            words::counted(total, "record")
        ),
        None => format!("{} so far", words::counted(line.scanned, "record")),
    };
    let pace = match (view.rate, is_over) {
        (Some(pace), false) => format!(", {} a second", rate(pace)),
        _ => String::new(),
    };
    let left = match view.left.filter(|_| line.state == JobState::Running) {
        Some(left) => format!(", about {} left", words::duration(left)),
        None => String::new(),
    };
    let ranges = format!(
        "{} of {} done, {} on it now.",
        words::count(view.ranges_done),
        words::counted(view.ranges, "range"),
        words::counted_as(view.workers, "worker is", "workers are"),
    );
    view! {
        <p class="progress__words">{format!("{seen}{pace}{left}.")}</p>
        <svg class="progress" width="100%" height="12" role="img" aria-label=format!("{:.0}% seen", share * 100.0)>
            <rect class="progress__track" width="100%" height="12" rx="3" />
            <rect class="progress__bar" width=format!("{:.2}%", share.min(1.0) * 100.0) height="12" rx="3" />
        </svg>
        {(!is_over).then(|| view! { <p class="lack">{ranges}</p> })}
    }
    .into_any()
}

/// Its course; of a job that ended before this server began, nothing is remembered and nothing is shown.
fn speed(view: &JobView) -> AnyView {
    if view.rates.is_empty() && view.line.state.is_over() {
        return ().into_any();
    }
    let points = view.rates.clone();
    let limit = view.tuning.rate.map(f64::from);
    view! {
        <Panel title="Speed" live="speed" aside="records a second, as this server saw them">
            <JobChart points limit />
        </Panel>
    }
    .into_any()
}

fn counts(view: &JobView) -> AnyView {
    let JobCounts {
        scanned,
        moved,
        current,
        other_key,
        conflicts,
        left,
        unreadable,
        differing,
    } = view.counts;
    let moved_words = match view.line.mode {
        JobMode::Rewrap | JobMode::Reencrypt => "moved to the active version",
        JobMode::Shadow | JobMode::DryRun | JobMode::Scan => "could be moved",
    };
    let lines = [
        (scanned, "seen", false),
        (moved, moved_words, false),
        (
            current,
            "stand under the active version already, or were not asked for",
            false,
        ),
        (other_key, "are sealed with another key", false),
        (
            conflicts,
            "were written by somebody else at that moment, and read again",
            false,
        ),
        (left, "kept changing; the next pass meets them again", false),
        (unreadable, "did not open", true),
        (differing, "came out different in the shadow run", true),
    ];
    let rows = lines
        .into_iter()
        .filter(|(number, _, _)| *number > 0 || scanned == 0)
        .take(if scanned == 0 { 1 } else { usize::MAX })
        .map(|(number, text, is_bad)| {
            view! {
                <dt class="number" data-bad=(is_bad && number > 0).then_some("")>
                    {words::count(number)}
                </dt>
                <dd>{text}</dd>
            }
        })
        .collect_view();
    view! { <dl class="facts facts--counts">{rows}</dl> }.into_any()
}

fn tuning(view: &JobView, state: &FormState) -> AnyView {
    let tuning = view.tuning;
    let rate = tuning.rate.map_or_else(
        || "As fast as callers allow".to_owned(),
        |rate| {
            format!(
                "At most {} a second over all replicas",
                words::counted(u64::from(rate), "record")
            )
        },
    );
    let sentence = format!(
        "{rate}, {} at once, {} of one look. It slows down by itself while callers wait longer than usual, and pauses when more than {}% of records do not open.",
        words::counted(u64::from(tuning.concurrency), "range"),
        words::counted(u64::from(tuning.batch_size), "record"),
        tuning.breaker_percent,
    );
    if !view.may_operate || view.line.state.is_over() {
        return view! { <p class="panel__text">{sentence}</p> }.into_any();
    }
    let start = Values::from([
        (
            "rate".to_owned(),
            tuning.rate.map_or(String::new(), |rate| rate.to_string()),
        ),
        ("concurrency".to_owned(), tuning.concurrency.to_string()),
        ("batch_size".to_owned(), tuning.batch_size.to_string()),
    ]);
    let own = state.of_action(JobActForm::TUNE).or_values(start);
    let own = || own.clone();
    view! {
        <p class="panel__text">{sentence}</p>
        <form class="form" method="post">
            <input type="hidden" name="action" value=JobActForm::TUNE />
            <div class="form__row form__row--three">
                <Field state=own() name="rate" label="Records a second" hint="Blank: no limit." autocomplete="off" />
                <Field state=own() name="concurrency" label="Ranges at once" hint="1 to 64." autocomplete="off" />
                <Field state=own() name="batch_size" label="Records of one look" hint="1 to 10,000." autocomplete="off" />
            </div>
            <div class="form__end">
                <button class="button" type="submit">
                    "Change the pace"
                </button>
            </div>
        </form>
    }
    .into_any()
}

fn buttons(view: &JobView, state: &FormState) -> AnyView {
    if !view.may_operate || view.line.state.is_over() {
        return ().into_any();
    }
    let first = match &view.line.state {
        JobState::Paused { by_breaker, .. } => {
            let effect = if *by_breaker {
                "It goes on from where it stands and pauses again when too many records do not open. Look at the failing records first."
            } else {
                "It goes on from where it stands."
            };
            view! {
                <Ask
                    state=state.clone()
                    action=JobActForm::RESUME
                    label="Go on"
                    effect=effect
                    weight=Weight::Primary
                />
            }
            .into_any()
        }
        _ => view! {
            <Ask
                state=state.clone()
                action=JobActForm::PAUSE
                label="Pause"
                effect="The records being moved now are finished; the rest stands as it is until somebody goes on."
            />
        }
        .into_any(),
    };
    view! {
        {first}
        <Ask
            state=state.clone()
            action=JobActForm::CANCEL
            label="Cancel"
            confirm="Cancel the job"
            effect="It ends here. What was moved stays moved and opens; the rest stands under its old version. A new job can begin later."
            weight=Weight::Grave
        />
    }
    .into_any()
}
