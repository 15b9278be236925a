//! A figure with its unit, its trend, its meaning and a way to see what it is made of.

use leptos::prelude::*;

use crate::charts::sparkline::Sparkline;
use crate::views::Point;

/// Whether a change is welcome, apart from its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    Better,
    Worse,
    Neither,
}

/// A change since the beginning of the span.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// With its unit: "2 points", "3 days".
    pub amount: String,
    pub rises: bool,
    pub welcome: Welcome,
}

#[component]
pub fn StatCard(
    title: &'static str,
    #[prop(into)] figure: String,
    #[prop(optional_no_strip)] change: Option<Change>,
    /// One line that says what the figure counts.
    #[prop(into)]
    meaning: String,
    /// Where the parts of the figure are listed.
    address: String,
    #[prop(optional)] trend: Vec<Point>,
    /// Drawn as a line across the trend.
    #[prop(optional)]
    goal: Option<f64>,
    /// Said where a trend would be, while there is none.
    #[prop(optional)]
    without_trend: &'static str,
    /// Said in place of a trend by a figure that has none.
    #[prop(optional, into)]
    note: Option<String>,
) -> impl IntoView {
    let has_trend = trend.len() > 1;
    view! {
        <a class="stat" href=address>
            <span class="stat__title">{title}</span>
            <span class="stat__line">
                <span class="stat__figure">{figure}</span>
                {change.map(change_mark)}
            </span>
            <span class="stat__trend">
                {if has_trend {
                    view! { <Sparkline points=trend goal /> }.into_any()
                } else {
                    view! { <span class="stat__without">{note.unwrap_or_else(|| without_trend.to_owned())}</span> }.into_any()
                }}
            </span>
            <span class="stat__meaning">{meaning}</span>
        </a>
    }
    .into_any()
}

fn change_mark(change: Change) -> AnyView {
    let (direction, arrow) = if change.rises {
        ("up", "▲")
    } else {
        ("down", "▼")
    };
    let class = match change.welcome {
        Welcome::Better => "stat__change stat__change--better",
        Welcome::Worse => "stat__change stat__change--worse",
        Welcome::Neither => "stat__change",
    };
    view! {
        <span class=class>
            <span aria-hidden="true">{arrow}</span>
            <span class="hidden">{direction} " "</span>
            {change.amount}
        </span>
    }
    .into_any()
}
