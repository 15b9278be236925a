//! What was measured day by day: a chart and, behind it, its table.

use leptos::prelude::*;

use crate::charts::bands::BandsChart;
use crate::components::panel::Panel;
use crate::views::overview::{DayFigures, OverviewView};
use crate::words;

pub(super) fn trends(view: &OverviewView) -> AnyView {
    let content = if view.days.len() > 1 {
        view! { <BandsChart days=view.days.clone() /> }.into_any()
    } else {
        view! { <p class="lack">"The trend starts today: with the second day there is something to compare."</p> }
            .into_any()
    };
    let table = (!view.days.is_empty()).then(|| table(&view.days));
    view! {
        <Panel title="Ages over time" aside="credentials by age band, measured each day in UTC">
            {content} {table}
        </Panel>
    }
    .into_any()
}

fn table(days: &[DayFigures]) -> AnyView {
    let rows = days.iter().rev().map(row).collect_view();
    view! {
        <details class="behind">
            <summary>"As a table"</summary>
            <div class="table-box" tabindex="0" role="region" aria-label="Figures by day">
                <table class="table table--tight">
                    <thead>
                        <tr>
                            <th scope="col">"Day"</th>
                            <th scope="col" class="number">
                                "Automated"
                            </th>
                            <th scope="col" class="number">
                                "Mean age"
                            </th>
                            <th scope="col" class="number">
                                "Fresh"
                            </th>
                            <th scope="col" class="number">
                                "Ageing"
                            </th>
                            <th scope="col" class="number">
                                "Stale"
                            </th>
                            <th scope="col" class="number">
                                "Done"
                            </th>
                            <th scope="col" class="number">
                                "Rolled back"
                            </th>
                            <th scope="col" class="number">
                                "Incidents"
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

fn row(day: &DayFigures) -> AnyView {
    let automated = day
        .percent_automated
        .map_or("–".to_owned(), |percent| format!("{percent:.0}%"));
    let mean_age = day.mean_age_days.map_or("–".to_owned(), |days| {
        words::duration_short(std::time::Duration::from_secs_f64((days * 86_400.0).max(0.0)))
    });
    let counts = [
        day.fresh,
        day.ageing,
        day.stale,
        day.completed,
        day.rolled_back,
        day.incidents,
    ]
    .map(|number| view! { <td class="number">{words::count(number)}</td> })
    .collect_view();
    view! {
        <tr>
            <th scope="row">{format!("{} {} {}", day.day.day(), words::month_short(day.day.month()), day.day.year())}</th>
            <td class="number">{automated}</td>
            <td class="number">{mean_age}</td>
            {counts}
        </tr>
    }
    .into_any()
}
