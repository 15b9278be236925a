//! Rotations under way: a bar of waves each.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::components::badge::StageBadge;
use crate::components::rotation_table::{countdown, version_step};
use crate::views::rotation::{RotationLine, Stage};
use crate::words;

pub(super) fn in_flight(lines: &[RotationLine], now: OffsetDateTime) -> AnyView {
    if lines.is_empty() {
        return view! { <p class="lack">"No rotation is under way."</p> }.into_any();
    }
    let lines = lines.iter().map(|line| one(line, now)).collect_view();
    view! { <ul class="in-flight">{lines}</ul> }.into_any()
}

fn one(line: &RotationLine, now: OffsetDateTime) -> AnyView {
    let address = format!("/rotations/{}", words::segment(&line.id));
    view! {
        <li class="in-flight__line">
            <span>
                <a class="name" href=address>
                    <bdi>{line.credential.clone()}</bdi>
                </a>
                <span class="in-flight__step">{version_step(line.from_version, line.to_version)}</span>
            </span>
            <span class="stage">
                <StageBadge stage=line.stage.clone() />
                {countdown(&line.stage, now)}
            </span>
            {waves(&line.stage)}
        </li>
    }
    .into_any()
}

/// A segment per wave: done, the present one, ahead. Before and after the waves the bar is empty or full.
fn waves(stage: &Stage) -> AnyView {
    let (number, of) = match stage {
        Stage::Wave { number, of, .. } => (*number, (*of).max(1)),
        Stage::Grace { .. } | Stage::Retiring | Stage::Completed => (2, 1),
        _ => (0, 1),
    };
    let width = 100.0 / f64::from(of);
    let segments = (1..=of)
        .map(|wave| {
            let class = match wave.cmp(&number) {
                std::cmp::Ordering::Less => "wave wave--done",
                std::cmp::Ordering::Equal => "wave wave--now",
                std::cmp::Ordering::Greater => "wave",
            };
            let start = width * f64::from(wave - 1);
            view! { <rect class=class x=format!("{start:.2}%") y="0" width=format!("{:.2}%", width - 0.6) height="4" rx="2" /> }
        })
        .collect_view();
    view! {
        <svg class="in-flight__waves" width="100%" height="4" aria-hidden="true">
            {segments}
        </svg>
    }
    .into_any()
}
