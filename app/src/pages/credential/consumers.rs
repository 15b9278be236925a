//! Who uses the credential: instance, version, last used, health.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::components::badge::Badge;
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::views::credential::{ConsumerGroup, CredentialView, InstanceLine};
use crate::words;

/// Instances of one consumer shown before the rest is only counted.
const SHOWN: usize = 12;

pub(super) fn consumers(view: &CredentialView, now: OffsetDateTime) -> AnyView {
    if view.consumers.is_empty() {
        return view! {
            <Panel title="Consumers">
                <p class="panel__text">
                    "No consumer is declared, so nothing will be told of a new version. Who uses it now would be cut off when the old version is retired."
                </p>
                <p>
                    <a href="/consumers">"Consumers"</a>
                </p>
            </Panel>
        }
        .into_any();
    }
    let current = view.line.current_version;
    let groups = view
        .consumers
        .iter()
        .map(|consumer| group(consumer, current, now))
        .collect_view();
    view! {
        <Panel title="Consumers" live="consumers">
            <div class="table-box" tabindex="0" role="region" aria-label="Consumers and their instances">
                <table class="table table--tight">
                    <thead>
                        <tr>
                            <th scope="col">"Instance"</th>
                            <th scope="col" class="number">
                                "Version"
                            </th>
                            <th scope="col">"Last seen"</th>
                            <th scope="col">"Health"</th>
                        </tr>
                    </thead>
                    {groups}
                </table>
            </div>
        </Panel>
    }
    .into_any()
}

fn group(consumer: &ConsumerGroup, current: Option<u64>, now: OffsetDateTime) -> AnyView {
    let hidden = consumer.instances.len().saturating_sub(SHOWN) as u64;
    let rows = consumer
        .instances
        .iter()
        .take(SHOWN)
        .map(|instance| row(instance, current, now))
        .collect_view();
    let rest = (hidden > 0).then(|| {
        view! {
            <tr>
                <td class="lack" colspan="4">
                    {format!("and {} more", words::counted(hidden, "instance"))}
                </td>
            </tr>
        }
    });
    let none = consumer.instances.is_empty().then(|| {
        view! {
            <tr>
                <td class="lack" colspan="4">
                    "no instance has fetched it yet"
                </td>
            </tr>
        }
    });
    view! {
        <tbody>
            <tr>
                <th class="group-head" scope="rowgroup" colspan="4">
                    <a class="name" href=format!("/consumers/{}", words::segment(&consumer.name))>
                        <bdi>{consumer.service.clone()}</bdi>
                    </a>
                </th>
            </tr>
            {rows}
            {rest}
            {none}
        </tbody>
    }
    .into_any()
}

fn row(instance: &InstanceLine, current: Option<u64>, now: OffsetDateTime) -> AnyView {
    let behind = instance.version.is_some() && instance.version != current;
    let seen = match instance.last_seen {
        Some(at) => view! { <Moment at style=Style::Relative now /> }.into_any(),
        None => view! { <span class="lack">"never"</span> }.into_any(),
    };
    view! {
        <tr>
            <td class="indented mono">
                <bdi>{instance.name.clone()}</bdi>
            </td>
            <td class="number" data-behind=behind.then_some("")>
                {instance.version.map_or("–".to_owned(), words::count)}
            </td>
            <td>{seen}</td>
            <td>
                <Badge tone=instance.health word=instance.health.word() />
            </td>
        </tr>
    }
    .into_any()
}
