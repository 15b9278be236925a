//! Records that a job could not move: where they stand and why, never what they hold.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::views::reencryption::FailingRecord;
use crate::words;

pub(super) fn failing(records: &[FailingRecord], total: u64, is_scan: bool, now: OffsetDateTime) -> AnyView {
    if records.is_empty() {
        // A scan reads the envelopes and opens none.
        let words = if is_scan {
            "Every record is an envelope so far."
        } else {
            "Every record opened so far."
        };
        return view! {
            <Panel title="Failing records" live="failing">
                <p class="lack">{words}</p>
            </Panel>
        }
        .into_any();
    }
    let rest = total.saturating_sub(records.len() as u64);
    let rows = records.iter().map(|record| row(record, now)).collect_view();
    view! {
        <Panel title="Failing records" live="failing" aside="they stand as they were">
            <div class="table-box" tabindex="0" role="region" aria-label="Failing records">
                <table class="table table--lines">
                    <thead>
                        <tr>
                            <th scope="col">"Record"</th>
                            <th scope="col" class="number">
                                "Version"
                            </th>
                            <th scope="col">"Why"</th>
                            <th scope="col">"When"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {(rest > 0).then(|| view! { <p class="lack">{format!("and {} more", words::counted(rest, "record"))}</p> })}
        </Panel>
    }
    .into_any()
}

fn row(record: &FailingRecord, now: OffsetDateTime) -> AnyView {
    view! {
        <tr>
            <th scope="row" class="name-cell mono">
                <bdi>{record.locator.clone()}</bdi>
            </th>
            <td data-label="Version" class="number">
                {record.version.map_or("–".to_owned(), words::count)}
            </td>
            <td data-label="Why" class="cell--wide">
                {record.why.clone()}
            </td>
            <td data-label="When">
                <Moment at=record.at style=Style::Relative now />
            </td>
        </tr>
    }
    .into_any()
}
