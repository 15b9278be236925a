//! New against old: a sentence, a chart, a table behind it.

use leptos::prelude::*;

use crate::charts::rates::RatesChart;
use crate::components::panel::Panel;
use crate::views::rotation::{Conclusion, Verdict};
use crate::words;

pub(super) fn verdict_panel(verdict: Option<Verdict>) -> AnyView {
    let content = match verdict {
        Some(verdict) => view! {
            <p>{sentence(&verdict)}</p>
            <RatesChart verdict />
        }
        .into_any(),
        None => view! { <p class="lack">"Nothing to compare yet: no outcome of the new version has been counted."</p> }
            .into_any(),
    };
    view! {
        <Panel title="Refused, new against old" live="verdict" class="rotation__verdict">
            {content}
        </Panel>
    }
    .into_any()
}

/// "New version: 0 of 1,480 failed. Old: 1 of 5,911. No difference."
fn sentence(verdict: &Verdict) -> String {
    let conclusion = match verdict.conclusion {
        Conclusion::NoDifference => "No difference.",
        Conclusion::NewIsWorse => "The new version is worse.",
        Conclusion::TooLittle => "Too little to tell yet, so it goes no further.",
        Conclusion::BothFail => "The old version fails too: something else is wrong, so it holds.",
    };
    format!(
        "New version: {} of {} refused. Old: {} of {}. {conclusion}",
        words::count(verdict.new_failed),
        words::count(verdict.new_total),
        words::count(verdict.old_failed),
        words::count(verdict.old_total),
    )
}
