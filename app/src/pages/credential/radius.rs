//! The blast radius: what fails when the credential leaks or expires, as a branching list.

use leptos::prelude::*;

use crate::components::panel::Panel;
use crate::components::ring::SmallRing;
use crate::views::credential::{ConsumerGroup, CredentialView};
use crate::words;

/// Services drawn before the rest is only counted.
const SHOWN: usize = 10;

pub(super) fn radius(view: &CredentialView) -> AnyView {
    let services = view.consumers.len() as u64;
    if services == 0 {
        return ().into_any();
    }
    let instances: usize = view
        .consumers
        .iter()
        .map(|consumer| consumer.instances.len())
        .sum();
    let sentence = format!(
        "If it leaks or expires, {} with {} {}.",
        words::counted(services, "service"),
        words::counted(instances as u64, "live instance"),
        words::choose(services, "fails", "fail"),
    );
    let branches = view.consumers.iter().take(SHOWN).map(branch).collect_view();
    let hidden = view.consumers.len().saturating_sub(SHOWN) as u64;
    let rest =
        (hidden > 0).then(|| view! { <li class="radius__branch lack">{format!("and {hidden} more")}</li> });
    let (age, name) = (view.line.age, view.line.name.clone());
    view! {
        <Panel title="Blast radius">
            <p class="panel__text">{sentence}</p>
            <div>
                <p class="radius__root">
                    <SmallRing age />
                    <bdi class="mono">{name}</bdi>
                </p>
                <ul class="radius__branches">{branches} {rest}</ul>
            </div>
        </Panel>
    }
    .into_any()
}

fn branch(consumer: &ConsumerGroup) -> AnyView {
    let address = format!("/consumers/{}", words::segment(&consumer.name));
    view! {
        <li class="radius__branch">
            <a class="name" href=address>
                <bdi>{consumer.service.clone()}</bdi>
            </a>
            <span class="radius__count">{words::counted(consumer.instances.len() as u64, "instance")}</span>
        </li>
    }
    .into_any()
}
