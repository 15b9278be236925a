//! The event log, newest first, with correlation ids: by kind, and as text to take away.

use leptos::prelude::*;

use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::islands::copy::CopyButton;
use crate::views::rotation::{LogFilter, LogLine, Tone};
use crate::words;

/// Lines shown before the rest folds away.
const SHOWN: usize = 40;
/// Where the text to copy stands.
const TEXT: &str = "log-text";

/// The log of the rotation at `address`, narrowed to a kind.
pub(super) fn event_log(lines: Vec<LogLine>, filter: LogFilter, address: &str) -> AnyView {
    if lines.is_empty() {
        return view! {
            <Panel title="Events" live="log" class="rotation__log">
                <p class="lack">"Nothing has happened yet."</p>
            </Panel>
        }
        .into_any();
    }
    let choices = choices(&lines, filter, address);
    let chosen: Vec<LogLine> = lines.into_iter().filter(|line| filter.takes(line)).collect();
    let text = as_text(&chosen);
    let is_empty = chosen.is_empty();
    let mut newest_first = chosen.into_iter().rev();
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
            <div class="log__head" id="events">
                {choices} <CopyButton from=TEXT.to_owned() />
            </div>
            {is_empty.then(|| view! { <p class="lack">"No event of this kind."</p> })}
            <ol class="log">{shown}</ol>
            {older}
            <details class="behind">
                <summary>"As text"</summary>
                <pre class="command log__text" id=TEXT tabindex="0">
                    {text}
                </pre>
            </details>
        </Panel>
    }
    .into_any()
}

fn choices(lines: &[LogLine], current: LogFilter, address: &str) -> AnyView {
    let links = LogFilter::ALL
        .into_iter()
        .map(|filter| {
            let number = lines.iter().filter(|line| filter.takes(line)).count() as u64;
            let to = match filter {
                LogFilter::All => format!("{address}#events"),
                other => format!("{address}?log={}#events", other.slug()),
            };
            view! {
                <a href=to aria-current=(filter == current).then_some("true")>
                    {filter.word()}
                    " "
                    <span class="choices__count">{words::count(number)}</span>
                </a>
            }
        })
        .collect_view();
    view! {
        <nav class="choices" aria-label="Kind of event">
            {links}
        </nav>
    }
    .into_any()
}

/// A line each, oldest first: time, correlation id, words.
fn as_text(lines: &[LogLine]) -> String {
    lines
        .iter()
        .map(|line| {
            format!(
                "{}  {}  {}\n",
                words::machine(line.at),
                line.correlation_id,
                line.words.replace('\n', " ")
            )
        })
        .collect()
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
