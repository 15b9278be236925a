//! The way back, always on screen while a rotation runs.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::moment::{Moment, Style};
use crate::views::rotation::{WayBack as WayBackView, WayBackState};
use crate::words;

#[component]
pub fn WayBack(way_back: WayBackView, now: OffsetDateTime, children: Children) -> impl IntoView {
    let WayBackView {
        version,
        proven_at,
        estimate,
        state,
    } = way_back;
    let (class, headline, text) = match state {
        WayBackState::Open => (
            "way-back way-back--open",
            format!("Version {version} would return"),
            open_text(proven_at, estimate, now).into_any(),
        ),
        WayBackState::Taken => (
            "way-back way-back--taken",
            format!("Version {version} returned"),
            view! { <p>"Every instance is served the old version again."</p> }.into_any(),
        ),
        WayBackState::Closed { reason } => (
            "way-back way-back--closed",
            "No way back".to_owned(),
            view! { <p>{reason}</p> }.into_any(),
        ),
    };
    view! {
        <div class=class>
            <p class="way-back__headline">{headline}</p>
            <div class="way-back__text">{text}</div>
            {children()}
        </div>
    }
    .into_any()
}

fn open_text(
    proven_at: Option<OffsetDateTime>,
    estimate: Option<std::time::Duration>,
    now: OffsetDateTime,
) -> AnyView {
    let proof = match proven_at {
        Some(at) => view! { <p>"It logged in " <Moment at style=Style::Relative now /> "."</p> }.into_any(),
        None => view! { <p>"It has not been seen to log in yet; nothing was changed at the issuer."</p> }
            .into_any(),
    };
    let estimate = estimate
        .map(|length| view! { <p>{format!("A rollback takes about {}.", words::estimate(length))}</p> });
    view! {
        {proof}
        {estimate}
    }
    .into_any()
}
