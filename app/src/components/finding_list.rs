//! Findings: what is not as it should be, and what to do about it.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::badge::Badge;
use super::moment::{Moment, Style};
use crate::views::credential::FindingLine;

#[component]
pub fn FindingList(items: Vec<FindingLine>, now: OffsetDateTime) -> impl IntoView {
    let rows = items
        .into_iter()
        .map(|line| {
            view! {
                <li class="need">
                    <div class="need__what">
                        <Badge tone=line.severity word=line.severity.word() />
                        <p class="need__text">{line.title}</p>
                        <p class="need__who">{line.remedy} " Since " <Moment at=line.since style=Style::Relative now /> "."</p>
                    </div>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="needs">{rows}</ul> }.into_any()
}
