//! Rotations as a table.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::badge::StageBadge;
use super::moment::{Moment, Style};
use crate::views::rotation::{RotationLine, Stage};
use crate::words;

/// Whether the credential's name stands in each line; on its own page it would only repeat the title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Named,
    Implied,
}

#[component]
pub fn RotationTable(
    items: Vec<RotationLine>,
    now: OffsetDateTime,
    subject: Subject,
    label: &'static str,
) -> impl IntoView {
    let rows = items
        .into_iter()
        .map(|line| row(line, now, subject))
        .collect_view();
    let named = (subject == Subject::Named).then(|| view! { <th scope="col">"Credential"</th> });
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label=label>
            <table class="table table--lines">
                <thead>
                    <tr>
                        {named} <th scope="col">"Versions"</th> <th scope="col">"Stage"</th> <th scope="col">"Started"</th>
                        <th scope="col" class="number">
                            "Took"
                        </th> <th scope="col">"Started by"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(line: RotationLine, now: OffsetDateTime, subject: Subject) -> AnyView {
    let address = format!("/rotations/{}", words::segment(&line.id));
    let versions = version_step(line.from_version, line.to_version);
    let took = line.finished_at.map_or_else(
        || "under way".to_owned(),
        |finished| words::duration_short((finished - line.started_at).unsigned_abs()),
    );
    let (name, link) = match subject {
        Subject::Named => (
            Some(view! {
                <th scope="row" class="name-cell">
                    <a class="name" href=address.clone()>
                        <bdi>{line.credential}</bdi>
                    </a>
                </th>
            }),
            view! { <span>{versions}</span> }.into_any(),
        ),
        Subject::Implied => (None, view! { <a href=address.clone()>{versions}</a> }.into_any()),
    };
    let reason = line.stage.reason().map(str::to_owned);
    let emergency = line
        .emergency
        .then(|| view! { <span class="mark-emergency">"emergency"</span> });
    view! {
        <tr>
            {name} <td data-label="Versions" class="versions">
                {link}
            </td> <td data-label="Stage">
                <span class="stage">
                    <StageBadge stage=line.stage.clone() />
                    {countdown(&line.stage, now)}
                </span>
                {reason.map(|reason| view! { <span class="reason">{reason}</span> })}
            </td> <td data-label="Started">
                <Moment at=line.started_at style=Style::Relative now />
            </td> <td data-label="Took" class="number minor">
                {took}
            </td> <td data-label="Started by">
                <bdi>{line.started_by}</bdi>
                " "
                {emergency}
            </td>
        </tr>
    }
    .into_any()
}

/// "12 → 13", or "first → 1".
pub fn version_step(from: Option<u64>, to: u64) -> String {
    from.map_or_else(|| format!("first → {to}"), |from| format!("{from} → {to}"))
}

/// What is left of a soak.
pub fn countdown(stage: &Stage, now: OffsetDateTime) -> AnyView {
    let ends_at = match stage {
        Stage::Wave { soak_until, .. } => *soak_until,
        Stage::Grace { until } => *until,
        _ => None,
    };
    ends_at
        .map(|at| view! { <span class="left">", " <Moment at style=Style::Countdown now /> " left"</span> })
        .into_any()
}
