//! The graph: the credential, the consumers that may fetch it, the services behind them with their instances, all
//! within the band of their environment.
//!
//! Names stand in boxes of one height and are cut by the browser, whatever the width; the edges between two columns are
//! one SVG that stretches. The list beside the graph says the same, so the graph is hidden from readers of the screen.

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::components::ring::SmallRing;
use crate::views::credential::{ConsumerGroup, CredentialView, InstanceHealth, InstanceLine};
use crate::words;

/// Consumers drawn before the rest is only counted.
const SHOWN: usize = 10;
/// Instances drawn before the rest is only counted.
const SQUARES: usize = 8;
/// The height of a row, in pixels, as in `.graph__row`.
const ROW: usize = 48;

pub(super) fn graph(view: &CredentialView) -> AnyView {
    let mut services: BTreeMap<&str, Vec<&ConsumerGroup>> = BTreeMap::new();
    for consumer in view.consumers.iter().take(SHOWN) {
        services.entry(&consumer.service).or_default().push(consumer);
    }
    let hidden = view.consumers.len().saturating_sub(SHOWN);
    let mut targets: Vec<usize> = (0..view.consumers.len().min(SHOWN)).collect();
    if hidden > 0 {
        targets.push(targets.len());
    }
    let rows = targets.len();
    let blocks = services
        .into_iter()
        .map(|(service, consumers)| block(service, &consumers))
        .collect_view();
    let rest = (hidden > 0).then(|| {
        view! {
            <div class="graph__row graph__rest">{format!("and {} more", words::counted(hidden as u64, "consumer"))}</div>
        }
    });
    let ends: Vec<(usize, usize)> = targets.iter().map(|row| (rows * ROW / 2, center(*row))).collect();
    let (age, name, environment) = (
        view.line.age,
        view.line.name.clone(),
        view.line.environment.clone(),
    );
    view! {
        <div class="graph" aria-hidden="true">
            <p class="graph__environment">
                <bdi>{environment}</bdi>
            </p>
            <div class="graph__heads">
                <span>"Credential"</span>
                <span>"Consumers"</span>
                <span>"Services, instances"</span>
            </div>
            <div class="graph__body">
                <div class="graph__root">
                    <SmallRing age />
                    <bdi class="graph__name">{name}</bdi>
                </div>
                {edges(rows, &ends)}
                <div class="graph__blocks">{blocks} {rest}</div>
            </div>
        </div>
    }
    .into_any()
}

/// The middle of a row.
fn center(row: usize) -> usize {
    row * ROW + ROW / 2
}

/// Consumers of one service, and the service.
fn block(service: &str, consumers: &[&ConsumerGroup]) -> AnyView {
    let rows = consumers.len();
    let ends: Vec<(usize, usize)> = (0..rows).map(|row| (center(row), rows * ROW / 2)).collect();
    let names = consumers
        .iter()
        .map(|consumer| {
            view! {
                <div class="graph__row">
                    <bdi class="graph__name graph__node">{consumer.name.clone()}</bdi>
                </div>
            }
        })
        .collect_view();
    let instances: Vec<&InstanceLine> = consumers
        .iter()
        .flat_map(|consumer| &consumer.instances)
        .collect();
    view! {
        <div class="graph__block">
            <div>{names}</div>
            {edges(rows, &ends)}
            <div class="graph__service">
                <bdi class="graph__name">{service.to_owned()}</bdi>
                {squares(&instances)}
            </div>
        </div>
    }
    .into_any()
}

fn squares(instances: &[&InstanceLine]) -> AnyView {
    if instances.is_empty() {
        return view! { <span class="lack">"no instance yet"</span> }.into_any();
    }
    let drawn = instances
        .iter()
        .take(SQUARES)
        .map(|instance| {
            let class = match instance.health {
                InstanceHealth::Well => "graph__square",
                InstanceHealth::Failing => "graph__square graph__square--failing",
                InstanceHealth::Absent => "graph__square graph__square--absent",
            };
            view! { <i class=class title=format!("{}: {}", instance.name, instance.health.word())></i> }
        })
        .collect_view();
    let more = instances.len().saturating_sub(SQUARES);
    let more = (more > 0).then(|| view! { <span class="graph__more">{format!("+{more}")}</span> });
    view! {
        <span class="graph__squares">
            {drawn} {more}
        </span>
    }
    .into_any()
}

/// Curves from heights on the left to heights on the right, in a box as high as `rows`.
fn edges(rows: usize, ends: &[(usize, usize)]) -> AnyView {
    let height = rows * ROW;
    let paths = ends
        .iter()
        .map(|(from, to)| {
            view! { <path class="graph__edge" vector-effect="non-scaling-stroke" d=format!("M0 {from}C50 {from} 50 {to} 100 {to}") /> }
        })
        .collect_view();
    view! {
        <svg class="graph__edges" viewBox=format!("0 0 100 {height}") height=height.to_string() preserveAspectRatio="none">
            {paths}
        </svg>
    }
    .into_any()
}
