//! What needs a person: what, since when, who, and the one next action.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::badge::Badge;
use super::moment::{Moment, Style};
use crate::views::need::NeedLine;

#[component]
pub fn NeedList(items: Vec<NeedLine>, now: OffsetDateTime) -> impl IntoView {
    let lines = items.into_iter().map(|line| need(line, now)).collect_view();
    view! { <ul class="needs">{lines}</ul> }.into_any()
}

fn need(line: NeedLine, now: OffsetDateTime) -> AnyView {
    view! {
        <li class="need">
            <div class="need__what">
                <Badge tone=line.severity word=line.severity.word() />
                <p class="need__text">
                    <bdi class="mono">{line.subject}</bdi>
                    " "
                    {line.what}
                </p>
                <p class="need__who">
                    <bdi>{line.who}</bdi>
                    ", since "
                    <Moment at=line.since style=Style::Relative now />
                </p>
            </div>
            <a class="button" href=line.address>
                {line.next_action}
            </a>
        </li>
    }
    .into_any()
}
