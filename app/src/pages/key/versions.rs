//! The versions of a key: state, uses, what needs each, and what may be done with it.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::components::ask::{Ask, Weight};
use crate::components::badge::{Badge, Tone};
use crate::components::moment::{Moment, Style};
use crate::form::FormState;
use crate::views::key::{DestructionLine, KeyMove, KeyState, KeyVerb, KeyVersionLine, KeyView};
use crate::words;

/// Versions shown before the rest folds away.
const SHOWN: usize = 8;
/// Reasons shown why a version is needed.
const REASONS: usize = 4;

pub(super) fn versions(view: &KeyView, state: &FormState, now: OffsetDateTime) -> AnyView {
    let mut newest_first = view.versions.iter().rev();
    let shown = newest_first
        .by_ref()
        .take(SHOWN)
        .map(|version| one(version, state, now))
        .collect_view();
    let older: Vec<AnyView> = newest_first.map(|version| one(version, state, now)).collect();
    let older = (!older.is_empty()).then(|| {
        view! {
            <details class="behind">
                <summary>{format!("{} older", older.len())}</summary>
                <ol class="key-versions">{older}</ol>
            </details>
        }
    });
    view! {
        <ol class="key-versions">{shown}</ol>
        {older}
    }
    .into_any()
}

fn one(version: &KeyVersionLine, state: &FormState, now: OffsetDateTime) -> AnyView {
    let moves = version
        .moves
        .iter()
        .map(|change| button(version.number, change, state))
        .collect_view();
    let has_moves = !version.moves.is_empty();
    view! {
        <li class=format!("key-version key-version--{}", version.state.word()) id=format!("version-{}", version.number)>
            <div class="key-version__head">
                <h3 class="key-version__number">{format!("Version {}", version.number)}</h3>
                <Badge tone=version.state word=version.state.word() />
                <span class="lack">{version.state.meaning()}</span>
            </div>
            <p class="key-version__facts">{facts(version, now)}</p>
            {doom(version, now)}
            {needed(version)}
            {has_moves.then(|| view! { <div class="key-version__moves">{moves}</div> })}
        </li>
    }
    .into_any()
}

/// "Made 3 days ago, active since …, 1,204 uses, last opened 4 s ago. “the audit of November”"
fn facts(version: &KeyVersionLine, now: OffsetDateTime) -> AnyView {
    let made = if version.imported { "Imported " } else { "Made " };
    let opened = match version.opened_at {
        Some(at) => view! { ", last opened a value " <Moment at style=Style::Relative now /> }.into_any(),
        None => ", opened nothing yet".into_any(),
    };
    let since = (version.state != KeyState::Active || version.activated_at != Some(version.state_since))
        .then(|| {
            view! {
                ", "
                {version.state.word()}
                " since "
                <Moment at=version.state_since style=Style::Relative now />
            }
        });
    let reason = (!version.reason.is_empty()).then(|| view! { " “" <bdi>{version.reason.clone()}</bdi> "”" });
    view! {
        {made}
        <Moment at=version.created_at style=Style::Relative now />
        {since}
        ", "
        {words::counted(version.uses, "use")}
        {opened}
        "."
        {reason}
    }
    .into_any()
}

/// When its material goes, or went.
fn doom(version: &KeyVersionLine, now: OffsetDateTime) -> AnyView {
    if let Some(at) = version.destroyed_at {
        return view! { <p class="lack">"Its material was shredded on " <Moment at /> "."</p> }.into_any();
    }
    let Some(at) = version.destroy_at else {
        return ().into_any();
    };
    let when = view! { <Moment at /> " (" <Moment at style=Style::Relative now /> ")" };
    match &version.destruction {
        Some(DestructionLine {
            asked_by,
            approved_by: Some(approved_by),
            ..
        }) => view! {
            <p class="notice notice--stale">
                "Its material is shredded on " {when} ", as " <bdi>{asked_by.clone()}</bdi> " asked and "
                <bdi>{approved_by.clone()}</bdi> " approved. What then still stands under it is lost for good."
            </p>
        }
        .into_any(),
        Some(asked) => waiting(asked, when.into_any()),
        None => view! {
            <p class="notice notice--ageing">
                "Its destruction was planned for " {when}
                " before that took two people. Nothing happens: ask for it anew, or keep it."
            </p>
        }
        .into_any(),
    }
}

/// Nobody has agreed yet.
fn waiting(asked: &DestructionLine, when: AnyView) -> AnyView {
    let words = if asked.lapsed {
        ". Nobody approved that in time, so nothing happens: ask for it anew, or keep it."
    } else if asked.is_own {
        ". Nothing happens until another operator approves it; you asked, so you cannot."
    } else {
        ". Nothing happens until another operator approves it."
    };
    view! {
        <p class="notice notice--ageing">
            <bdi>{asked.asked_by.clone()}</bdi> " asked to have its material shredded on " {when} ": “"
            <bdi>{asked.reason.clone()}</bdi> "”" {words}
        </p>
    }
    .into_any()
}

fn needed(version: &KeyVersionLine) -> AnyView {
    if matches!(
        version.state,
        KeyState::Active | KeyState::PreActive | KeyState::Destroyed
    ) {
        return ().into_any();
    }
    if version.dependents.is_empty() {
        return view! {
            <p>
                <Badge tone=Tone::Fresh word="nothing is known to need it" />
            </p>
        }
        .into_any();
    }
    let shown = version
        .dependents
        .iter()
        .take(REASONS)
        .map(|words| view! { <li>{words.clone()}</li> })
        .collect_view();
    let more = version.dependents.len().saturating_sub(REASONS) as u64;
    let more = (more > 0).then(|| view! { <li>{format!("and {} more", words::count(more))}</li> });
    view! {
        <div>
            <p>"Still needed by"</p>
            <ul class="bullets">{shown} {more}</ul>
        </div>
    }
    .into_any()
}

fn button(number: u64, change: &KeyMove, state: &FormState) -> AnyView {
    let KeyMove { verb, effect } = change.clone();
    let weight = if verb.is_grave() {
        Weight::Grave
    } else {
        Weight::Plain
    };
    view! {
        <Ask
            state=state.clone()
            action=verb.slug()
            id=number.to_string()
            label=verb.label()
            confirm=format!("{} version {number}", verb.label())
            effect=effect
            weight=weight
            without_reason=verb == KeyVerb::KeepMaterial
        />
    }
    .into_any()
}
