//! Recovery: when the last backup was made, and when it was last proven that one can be restored.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::{Heading, page};
use crate::components::ask::{Ask, Weight};
use crate::components::badge::{Badge, Tone};
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::notice::FormNotice;
use crate::components::panel::Panel;
use crate::form::FormState;
use crate::forms::RehearseForm;
use crate::islands::live::KeepFresh;
use crate::views::frame::Frame;
use crate::views::recovery::{BackupLine, RecoveryView, RehearsalLine};
use crate::words;

#[component]
pub fn RecoveryPage() -> impl IntoView {
    page(
        Heading::new(Place::Recovery, "Recovery"),
        |reader| async move { reader.recovery().await },
        |view, frame| draw(&view, &frame),
    )
}

fn draw(view: &RecoveryView, frame: &Frame) -> AnyView {
    let now = frame.now;
    let state = FormState::current();
    let heading = sentence(view, now);
    let (backups, rehearsals) = (backups(&view.backups, now), rehearsals(view, now));
    let restored = view.restored.clone().map(|restored| {
        view! {
            <p class="notice notice--ageing">
                "This database was restored on " <Moment at=restored.at /> " from the backup made on "
                <Moment at=restored.backup_made_at /> ". What happened between the two is not here."
            </p>
        }
    });
    let end = button(view, &state);
    view! {
        <div class="sentence">
            <h1 class="sentence__text" data-live="sentence">
                {heading}
            </h1>
            <div class="sentence__end">{end}</div>
        </div>
        <FormNotice state />
        {restored}
        <Panel title="Rehearsals" live="rehearsals" aside="a backup is restored into an empty place and read">
            {rehearsals}
        </Panel>
        <Panel title="Backups" live="backups" aside="where they are kept, only whoever took them knows">
            {backups}
        </Panel>
        <Panel title="Make and restore">
            <p class="panel__text">
                "A backup is one sealed file: the database, every key version that old data needs, and the audit trail. It opens with the root key or its shares, in an empty place only."
            </p>
            <pre class="command" tabindex="0">
                "rota backup --to rota.backup\nrota restore --from rota.backup"
            </pre>
        </Panel>
        <KeepFresh />
    }
    .into_any()
}

/// "The last backup is 6 hours old. A restore was last rehearsed 2 days ago and worked."
fn sentence(view: &RecoveryView, now: OffsetDateTime) -> String {
    let backup = match view.backups.first() {
        Some(backup) => format!(
            "The last backup is {} old.",
            words::duration((now - backup.made_at).max(time::Duration::ZERO).unsigned_abs())
        ),
        None => "No backup was made yet.".to_owned(),
    };
    let rehearsal = match view.rehearsals.first() {
        Some(line) if line.passed => format!(
            "A restore was last rehearsed {} and worked.",
            words::relative(line.at, now)
        ),
        Some(line) => format!("The last rehearsal, {}, failed.", words::relative(line.at, now)),
        None => "No restore was rehearsed yet.".to_owned(),
    };
    format!("{backup} {rehearsal}")
}

fn button(view: &RecoveryView, state: &FormState) -> AnyView {
    if view.rehearsing {
        return view! { <p class="lack">"A rehearsal is running."</p> }.into_any();
    }
    if !view.may_administer {
        return view! { <p class="lack">"An administrator can rehearse a restore."</p> }.into_any();
    }
    view! {
        <Ask
            state=state.clone()
            action=RehearseForm::ACTION
            label="Rehearse now"
            effect="A backup is made, restored into an empty place beside this database, read and thrown away. Nobody is interrupted; it costs disk space and some seconds of reading."
            weight=Weight::Primary
        />
    }
    .into_any()
}

fn rehearsals(view: &RecoveryView, now: OffsetDateTime) -> AnyView {
    let next = view.next_rehearsal.map(|at| {
        view! { <p class="lack">"The next begins by itself " <Moment at style=Style::Relative now /> "."</p> }
    });
    if view.rehearsals.is_empty() {
        return view! {
            <p class="lack">"None yet. A backup that was never restored is a hope, not a backup."</p>
            {next}
        }
        .into_any();
    }
    let rows = view
        .rehearsals
        .iter()
        .map(|line| rehearsal(line, now))
        .collect_view();
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label="Rehearsals">
            <table class="table table--lines">
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Outcome"</th>
                        <th scope="col">"What was read"</th>
                        <th scope="col" class="number">
                            "Took"
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {next}
    }
    .into_any()
}

fn rehearsal(line: &RehearsalLine, now: OffsetDateTime) -> AnyView {
    let (tone, word) = if line.passed {
        (Tone::Fresh, "worked")
    } else {
        (Tone::Stale, "failed")
    };
    view! {
        <tr>
            <th scope="row" class="name-cell">
                <Moment at=line.at style=Style::Relative now />
            </th>
            <td data-label="Outcome">
                <Badge tone word />
            </td>
            <td data-label="What was read" class="cell--wide">
                {line.words.clone()}
            </td>
            <td data-label="Took" class="number">
                {format!("{:.1} s", line.seconds)}
            </td>
        </tr>
    }
    .into_any()
}

fn backups(backups: &[BackupLine], now: OffsetDateTime) -> AnyView {
    if backups.is_empty() {
        return view! {
            <p class="lack">
                "None yet. Without one, a lost database is lost with every credential and key in it: make one with the command below, and keep it elsewhere."
            </p>
        }
        .into_any();
    }
    let rows = backups.iter().map(|line| backup(line, now)).collect_view();
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label="Backups">
            <table class="table table--lines">
                <thead>
                    <tr>
                        <th scope="col">"Made"</th>
                        <th scope="col">"By"</th>
                        <th scope="col" class="number">
                            "Size"
                        </th>
                        <th scope="col" class="number">
                            "Rows"
                        </th>
                        <th scope="col" class="number">
                            "Audit up to"
                        </th>
                        <th scope="col">"SHA-256"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn backup(line: &BackupLine, now: OffsetDateTime) -> AnyView {
    view! {
        <tr>
            <th scope="row" class="name-cell">
                <Moment at=line.made_at style=Style::Relative now />
            </th>
            <td data-label="By">
                <bdi>{line.made_by.clone()}</bdi>
            </td>
            <td data-label="Size" class="number">
                {size(line.bytes)}
            </td>
            <td data-label="Rows" class="number">
                {words::count(line.rows)}
            </td>
            <td data-label="Audit up to" class="number">
                {words::count(line.audit_sequence)}
            </td>
            <td data-label="SHA-256" class="cell--wide">
                <code>{line.sha256.clone()}</code>
            </td>
        </tr>
    }
    .into_any()
}

/// "1.2 MB".
fn size(bytes: u64) -> String {
    const STEPS: [(&str, f64); 3] = [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let bytes = bytes as f64;
    STEPS.into_iter().find(|(_, step)| bytes >= *step).map_or_else(
        || format!("{bytes:.0} B"),
        |(unit, step)| format!("{:.1} {unit}", bytes / step),
    )
}
