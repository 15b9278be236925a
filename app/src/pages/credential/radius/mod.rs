//! The blast radius: what fails when the credential leaks or expires, as a graph and as a list.

mod graph;

use leptos::prelude::*;

use self::graph::graph;
use crate::components::panel::Panel;
use crate::components::ring::SmallRing;
use crate::views::credential::{ConsumerGroup, CredentialView};
use crate::words;

/// Consumers listed before the rest is only counted.
const SHOWN: usize = 50;

pub(super) fn radius(view: &CredentialView) -> AnyView {
    let consumers = view.consumers.len() as u64;
    if consumers == 0 {
        return ().into_any();
    }
    let instances: usize = view
        .consumers
        .iter()
        .map(|consumer| consumer.instances.len())
        .sum();
    let sentence = format!(
        "If it leaks or expires, {} with {} {}.",
        words::counted(consumers, "consumer"),
        words::counted(instances as u64, "live instance"),
        words::choose(consumers, "fails", "fail"),
    );
    let (graph, list) = (graph(view), list(view));
    view! {
        <Panel title="Blast radius" live="radius">
            <p class="panel__text">{sentence}</p>
            {graph}
            <details class="behind">
                <summary>"As a list"</summary>
                {list}
            </details>
        </Panel>
    }
    .into_any()
}

fn list(view: &CredentialView) -> AnyView {
    let branches = view.consumers.iter().take(SHOWN).map(branch).collect_view();
    let hidden = view.consumers.len().saturating_sub(SHOWN) as u64;
    let rest =
        (hidden > 0).then(|| view! { <li class="radius__branch lack">{format!("and {hidden} more")}</li> });
    let (age, name) = (view.line.age, view.line.name.clone());
    view! {
        <div>
            <p class="radius__root">
                <SmallRing age />
                <bdi class="mono">{name}</bdi>
            </p>
            <ul class="radius__branches">{branches} {rest}</ul>
        </div>
    }
    .into_any()
}

fn branch(consumer: &ConsumerGroup) -> AnyView {
    let address = format!("/consumers/{}", words::segment(&consumer.name));
    view! {
        <li class="radius__branch">
            <span>
                <a class="name" href=address>
                    <bdi>{consumer.name.clone()}</bdi>
                </a>
                " of service "
                <bdi>{consumer.service.clone()}</bdi>
            </span>
            <span class="radius__count">{words::counted(consumer.instances.len() as u64, "instance")}</span>
        </li>
    }
    .into_any()
}
