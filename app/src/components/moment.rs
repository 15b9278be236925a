//! A point in time: UTC in the page, the viewer's zone once the script has run.

use leptos::prelude::*;
use time::OffsetDateTime;

use crate::words;

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Date, hours and minutes.
    #[default]
    Full,
    /// Hours, minutes, seconds.
    Clock,
    /// "6 days ago", with the full time on hover.
    Relative,
    /// Seconds left, counting down.
    Countdown,
}

impl Style {
    /// What the script that rewrites times is told.
    fn slug(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Clock => "clock",
            Self::Relative => "relative",
            Self::Countdown => "countdown",
        }
    }
}

#[component]
pub fn Moment(
    at: OffsetDateTime,
    #[prop(optional)] style: Style,
    /// Needed by the two styles that count from it.
    #[prop(optional)]
    now: Option<OffsetDateTime>,
) -> impl IntoView {
    let text = match (style, now) {
        (Style::Clock, _) => words::clock(at),
        (Style::Relative, Some(now)) => words::relative(at, now),
        (Style::Countdown, Some(now)) => {
            let left = (at - now).max(time::Duration::ZERO).unsigned_abs();
            words::duration_short(left)
        }
        (Style::Full | Style::Relative | Style::Countdown, _) => words::instant(at),
    };
    view! {
        <time datetime=words::machine(at) data-time=style.slug() title=words::instant(at)>
            {text}
        </time>
    }
    .into_any()
}
