//! Credentials as a table; a line each on a phone.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::badge::Badge;
use super::moment::{Moment, Style};
use super::ring::SmallRing;
use crate::views::credential::{CredentialLine, NextRotation};
use crate::words;

#[component]
pub fn CredentialTable(
    items: Vec<CredentialLine>,
    now: OffsetDateTime,
    /// What the table is, for those who do not see it.
    label: &'static str,
) -> impl IntoView {
    let rows = items.into_iter().map(|line| row(line, now)).collect_view();
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label=label>
            <table class="table table--lines">
                <thead>
                    <tr>
                        <th scope="col">"Credential"</th>
                        <th scope="col">"Kind"</th>
                        <th scope="col">"Environment"</th>
                        <th scope="col">"Owner"</th>
                        <th scope="col" class="number">
                            "Version"
                        </th>
                        <th scope="col">"Age"</th>
                        <th scope="col">"Policy"</th>
                        <th scope="col">"Rotates next"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(line: CredentialLine, now: OffsetDateTime) -> AnyView {
    let address = format!("/credentials/{}", words::segment(&line.name));
    let age = line
        .age
        .map_or("–".to_owned(), |age| words::duration_short(age.age));
    let band = line
        .age
        .map(|age| view! { <span class=format!("band band--{}", age.band.word())>{age.band.word()}</span> });
    let owner = match line.team {
        Some(team) => view! { <bdi>{team}</bdi> }.into_any(),
        None => view! { <span class="lack">"nobody"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="name-cell">
                <SmallRing age=line.age />
                <a class="name" href=address>
                    <bdi>{line.name}</bdi>
                </a>
                {line.sandbox.then(sandbox_mark)}
            </th>
            <td data-label="Kind" class="minor">{line.kind}</td>
            <td data-label="Environment" class="minor">
                <bdi>{line.environment}</bdi>
            </td>
            <td data-label="Owner">{owner}</td>
            <td data-label="Version" class="number minor">
                {line.current_version.map_or("–".to_owned(), words::count)}
            </td>
            <td data-label="Age">
                <span class="age">
                    <span class="age__figure">{age}</span>
                    {band}
                </span>
            </td>
            <td data-label="Policy">
                <Badge tone=line.status word=line.status.word() />
            </td>
            <td data-label="Rotates next">
                {match line.in_flight {
                    Some(in_flight) => {
                        view! { <a href=format!("/rotations/{}", in_flight.rotation)>{in_flight.words}</a> }.into_any()
                    }
                    None => next_rotation(line.next_rotation, now),
                }}
            </td>
        </tr>
    }
    .into_any()
}

/// When it rotates next, or why it does not.
pub fn next_rotation(next: NextRotation, now: OffsetDateTime) -> AnyView {
    match next {
        NextRotation::At(at) if at <= now => "due now".into_any(),
        NextRotation::At(at) => view! { <Moment at style=Style::Relative now /> }.into_any(),
        NextRotation::ByHand => view! { <span class="lack">"by hand"</span> }.into_any(),
        NextRotation::Held { reason } => view! { <span title=reason>"held"</span> }.into_any(),
        NextRotation::Waits { reason } => view! { <span>{reason}</span> }.into_any(),
    }
}

/// Marks what the sandbox made.
pub fn sandbox_mark() -> AnyView {
    view! { <span class="mark-sandbox">"sandbox"</span> }.into_any()
}
