//! The places in which sealed values stand.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::views::reencryption::TargetLine;
use crate::words;

pub(super) fn targets(targets: &[TargetLine], may_administer: bool, now: OffsetDateTime) -> AnyView {
    let add = may_administer.then(|| {
        view! {
            <p>
                <a class="button" href="/targets/new">
                    "Register a target"
                </a>
            </p>
        }
    });
    if targets.is_empty() {
        return view! {
            <Panel title="Targets">
                <p class="panel__text">
                    "A target is a place in which your programs keep values that a key sealed: columns of a table, keys of a Redis pattern, objects below a prefix. Rota reads and rewrites their envelopes there and shows nobody what they hold."
                </p>
                {add}
            </Panel>
        }
        .into_any();
    }
    let rows = targets
        .iter()
        .map(|target| row(target, may_administer, now))
        .collect_view();
    let change = may_administer.then(|| view! { <th scope="col">"Change"</th> });
    view! {
        <Panel title="Targets" live="targets">
            <div class="table-box" tabindex="0" role="region" aria-label="Targets">
                <table class="table table--lines">
                    <thead>
                        <tr>
                            <th scope="col">"Target"</th>
                            <th scope="col">"Key"</th>
                            <th scope="col">"Signs in with"</th>
                            <th scope="col">"Where"</th>
                            <th scope="col" class="number">
                                "Records"
                            </th>
                            <th scope="col">"Oldest in use"</th>
                            <th scope="col">"Scanned"</th>
                            {change}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {add}
        </Panel>
    }
    .into_any()
}

fn row(target: &TargetLine, may_administer: bool, now: OffsetDateTime) -> AnyView {
    let scanned = match target.scanned_at {
        Some(at) => view! { <Moment at style=Style::Relative now /> }.into_any(),
        None => view! { <span class="lack">"never"</span> }.into_any(),
    };
    let credential_address = format!(
        "/credentials/{}",
        words::segment(target.credential.as_deref().unwrap_or_default())
    );
    let credential = match target.credential.clone() {
        Some(name) => view! {
            <a class="name" href=credential_address>
                <bdi>{name}</bdi>
            </a>
        }
        .into_any(),
        None => view! { <span class="lack">"nothing"</span> }.into_any(),
    };
    let settings = target
        .settings
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect::<Vec<_>>()
        .join(" · ");
    let shadow = target
        .needs_shadow
        .then(|| view! { <span class="reason">"moving data and rotating the key need a clean shadow run first"</span> });
    view! {
        <tr>
            <th scope="row" class="name-cell">
                <bdi class="mono">{target.name.clone()}</bdi>
                <span class="reason">{target.kind.clone()}</span>
                {shadow}
            </th>
            <td data-label="Key">
                <a class="name" href=format!("/keys/{}", words::segment(&target.key))>
                    <bdi>{target.key.clone()}</bdi>
                </a>
            </td>
            <td data-label="Signs in with">{credential}</td>
            <td data-label="Where" class="cell--wide">
                <bdi>{settings}</bdi>
            </td>
            <td data-label="Records" class="number">
                {target.records.map_or("–".to_owned(), words::count)}
            </td>
            <td data-label="Oldest in use">
                {target.oldest_version.map_or_else(|| "not known".to_owned(), |version| format!("version {version}"))}
            </td>
            <td data-label="Scanned">{scanned}</td>
            {may_administer.then(|| change(&target.name))}
        </tr>
    }
    .into_any()
}

fn change(name: &str) -> AnyView {
    let address = format!("/targets/{}", words::segment(name));
    view! {
        <td data-label="Change" class="cell--acts">
            <a href=format!("{address}/edit") aria-label=format!("Edit {name}")>
                "Edit"
            </a>
            " "
            <a href=format!("{address}/delete") aria-label=format!("Remove {name}")>
                "Remove"
            </a>
        </td>
    }
    .into_any()
}
