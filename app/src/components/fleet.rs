//! The fleet: instances as squares by service, coloured by the version they hold; and teams as concentric rings.

use leptos::prelude::*;

use crate::views::credential::InstanceHealth;
use crate::views::overview::TeamAges;
use crate::views::rotation::{Holds, ServiceSquares, Square};
use crate::words;

/// Beyond this many instances a square stands for several of the same kind, with their count on it.
const SQUARES: usize = 400;

#[component]
pub fn FleetSquares(services: Vec<ServiceSquares>, from: Option<u64>, to: u64) -> impl IntoView {
    if services.is_empty() {
        return view! { <p class="lack">"No instance has reported yet."</p> }.into_any();
    }
    let instances: usize = services.iter().map(|service| service.instances.len()).sum();
    let counted = instances > SQUARES;
    let groups = services
        .iter()
        .map(|service| group(service, counted))
        .collect_view();
    view! {
        <div class="fleet">
            <ul class="fleet__key" aria-hidden="true">
                {from.map(|from| view! { <li><i class="square square--old"></i>{format!("version {from}")}</li> })}
                <li>
                    <i class="square square--handed"></i>
                    {format!("handed {to}")}
                </li>
                <li>
                    <i class="square square--new"></i>
                    {format!("version {to}")}
                </li>
                <li>
                    <i class="square square--failing"></i>
                    "refused"
                </li>
                <li>
                    <i class="square square--absent"></i>
                    "absent"
                </li>
            </ul>
            {groups}
        </div>
    }
    .into_any()
}

fn group(service: &ServiceSquares, counted: bool) -> AnyView {
    let total = service.instances.len();
    let moved = service
        .instances
        .iter()
        .filter(|square| square.holds == Holds::New)
        .count();
    let cells = if counted {
        counted_cells(&service.instances)
    } else {
        squares(&service.instances)
    };
    view! {
        <section class="fleet__service">
            <h3 class="fleet__name">
                <bdi class="mono">{service.service.clone()}</bdi>
                <span class="fleet__count">{format!("{} of {}", words::count(moved as u64), words::count(total as u64))}</span>
            </h3>
            {cells}
        </section>
    }
    .into_any()
}

fn squares(instances: &[Square]) -> AnyView {
    let squares = instances
        .iter()
        .map(|square| {
            let spoken = format!(
                "{}: {}, {}",
                square.instance,
                square.holds.word(),
                square.health.word()
            );
            let title = spoken.clone();
            view! {
                <li class=format!("square square--{}", class_of(square)) title=title>
                    <span class="hidden">{spoken}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="squares">{squares}</ul> }.into_any()
}

/// One cell per kind that occurs, with how many it stands for.
fn counted_cells(instances: &[Square]) -> AnyView {
    let kinds = [
        ("failing", "refused"),
        ("new", "on the new version"),
        ("handed", "handed the new version"),
        ("old", "on the old version"),
        ("nothing", "without a version"),
        ("absent", "absent"),
    ];
    let cells = kinds
        .into_iter()
        .map(|(class, word)| {
            (
                class,
                word,
                instances
                    .iter()
                    .filter(|square| class_of(square) == class)
                    .count(),
            )
        })
        .filter(|(_, _, number)| *number > 0)
        .map(|(class, word, number)| {
            view! {
                <li class=format!("cell cell--{class}")>
                    <b class="cell__count">{words::count(number as u64)}</b>
                    " "
                    {word}
                </li>
            }
        })
        .collect_view();
    view! { <ul class="cells">{cells}</ul> }.into_any()
}

fn class_of(square: &Square) -> &'static str {
    match (square.health, square.holds) {
        (InstanceHealth::Failing, _) => "failing",
        (InstanceHealth::Absent, _) => "absent",
        (InstanceHealth::Well, Holds::New) => "new",
        (InstanceHealth::Well, Holds::Handed) => "handed",
        (InstanceHealth::Well, Holds::Old) => "old",
        (InstanceHealth::Well, Holds::Nothing) => "nothing",
    }
}

/// Rings drawn; smaller teams are in the table alone.
const RINGS: usize = 5;

/// The fleet's ages as concentric rings, a team each, the largest outside; the table beside it names them.
#[component]
pub fn FleetRings(teams: Vec<TeamAges>) -> impl IntoView {
    let rings = teams
        .iter()
        .take(RINGS)
        .enumerate()
        .map(|(index, team)| ring(index, team))
        .collect_view();
    let total: u64 = teams.iter().map(TeamAges::total).sum();
    let rows = teams
        .iter()
        .enumerate()
        .map(|(index, team)| team_row(index, team))
        .collect_view();
    view! {
        <div class="teams">
            <svg class="teams__rings" viewBox="0 0 200 200" width="200" height="200" role="img" aria-label="Ages by team; the same stands in the table beside it">
                {rings}
                <text class="teams__figure" x="100" y="102" text-anchor="middle">
                    {words::count(total)}
                </text>
                <text class="teams__word" x="100" y="117" text-anchor="middle">
                    {words::choose(total, "credential", "credentials")}
                </text>
            </svg>
            <div class="table-box" tabindex="0" role="region" aria-label="Ages by team">
                <table class="table table--tight">
                    <thead>
                        <tr>
                            <th scope="col">"Team"</th>
                            <th scope="col" class="number">
                                "Fresh"
                            </th>
                            <th scope="col" class="number">
                                "Ageing"
                            </th>
                            <th scope="col" class="number">
                                "Stale"
                            </th>
                            <th scope="col" class="teams__bar-head">
                                <span class="hidden">"Shares"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </div>
    }
    .into_any()
}

fn shares(team: &TeamAges) -> [(&'static str, f64, f64); 3] {
    let total = team.total().max(1) as f64;
    let (fresh, ageing, stale) = (
        team.fresh as f64 / total,
        team.ageing as f64 / total,
        team.stale as f64 / total,
    );
    [
        ("fresh", 0.0, fresh),
        ("ageing", fresh, ageing),
        ("stale", fresh + ageing, stale),
    ]
}

fn ring(index: usize, team: &TeamAges) -> AnyView {
    let radius = 94.0 - index as f64 * 11.0;
    let arcs = shares(team)
        .into_iter()
        .filter(|(_, _, share)| *share > 0.0)
        .map(|(class, start, share)| {
            // A gap between segments tells them apart without colour.
            let gap = if share < 1.0 { 0.6 } else { 0.0 };
            let length = (share * 100.0 - gap).max(0.4);
            view! {
                <circle
                    class=format!("teams__arc teams__arc--{class}")
                    cx="100"
                    cy="100"
                    r=format!("{radius}")
                    pathLength="100"
                    stroke-dasharray=format!("{length:.2} 100")
                    transform=format!("rotate({:.2} 100 100)", start * 360.0 - 90.0)
                />
            }
        })
        .collect_view();
    view! { <g>{arcs}</g> }.into_any()
}

fn team_row(index: usize, team: &TeamAges) -> AnyView {
    let bars = shares(team)
        .into_iter()
        .filter(|(_, _, share)| *share > 0.0)
        .map(|(class, start, share)| {
            view! {
                <rect
                    class=format!("teams__bar teams__bar--{class}")
                    x=format!("{:.2}%", start * 100.0)
                    y="0"
                    width=format!("{:.2}%", share * 100.0)
                    height="8"
                />
            }
        })
        .collect_view();
    let (name, address) = match &team.team {
        Some(team) => (
            team.clone(),
            format!("/credentials?team={}", words::segment(team)),
        ),
        None => ("nobody".to_owned(), "/credentials?team=none".to_owned()),
    };
    let place = (index < RINGS).then(|| view! { <span class="teams__place">{index + 1}</span> });
    view! {
        <tr>
            <th scope="row">
                {place} <a href=address>
                    <bdi>{name}</bdi>
                </a>
            </th>
            <td class="number">{words::count(team.fresh)}</td>
            <td class="number">{words::count(team.ageing)}</td>
            <td class="number">{words::count(team.stale)}</td>
            <td class="teams__bar-cell">
                <svg class="teams__bars" width="100%" height="8" aria-hidden="true">
                    {bars}
                </svg>
            </td>
        </tr>
    }
    .into_any()
}
