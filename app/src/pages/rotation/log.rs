//! The event log, newest first, with correlation ids.

use leptos::prelude::*;

use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::views::rotation::{LogLine, Tone};

/// Lines shown before the rest folds away.
const SHOWN: usize = 40;

pub(super) fn event_log(lines: Vec<LogLine>) -> AnyView {
    if lines.is_empty() {
        return view! {
            <Panel title="Events" live="log" class="rotation__log">
                <p class="lack">"Nothing has happened yet."</p>
            </Panel>
        }
        .into_any();
    }
    let mut newest_first = lines.into_iter().rev();
    let shown = newest_first.by_ref().take(SHOWN).map(line).collect_view();
    let older: Vec<_> = newest_first.map(line).collect();
    let older = (!older.is_empty()).then(|| {
        view! {
            <details class="behind">
                <summary>{format!("{} earlier", older.len())}</summary>
                <ol class="log">{older}</ol>
            </details>
        }
    });
    view! {
        <Panel title="Events" live="log" class="rotation__log">
            <ol class="log">{shown}</ol>
            {older}
        </Panel>
    }
    .into_any()
}

fn line(line: LogLine) -> AnyView {
    let class = match line.tone {
        Tone::Plain => "log__line",
        Tone::Good => "log__line log__line--good",
        Tone::Bad => "log__line log__line--bad",
    };
    view! {
        <li class=class>
            <Moment at=line.at style=Style::Clock />
            <span class="log__words">{line.words}</span>
            <code class="log__id">{line.correlation_id}</code>
        </li>
    }
    .into_any()
}
