//! The ring: how much of its lifetime a credential has used, and its age band.

use leptos::prelude::*;

use super::badge::Tone;
use crate::views::{Age, AgeBand};
use crate::words;

/// The ring of one credential, 16 px, for tables. `None`: it has no current version yet.
#[component]
pub fn SmallRing(age: Option<Age>) -> impl IntoView {
    let tone = age.map_or(Tone::Neutral, |age| Tone::from(age.band));
    let arc = age.map(|age| arc(age.share_used(), 8.0, 6.5));
    view! {
        <svg
            class=format!("ring ring--small ring--{}", tone.slug())
            viewBox="0 0 16 16"
            width="16"
            height="16"
            role="img"
            aria-label=spoken(age)
        >
            <circle class="ring__track" cx="8" cy="8" r="6.5" />
            {arc}
            {age.map(|age| centre(age.band))}
        </svg>
    }
    .into_any()
}

/// The ring of one credential on its own page, 96 px, with the age inside.
#[component]
pub fn LargeRing(age: Option<Age>) -> impl IntoView {
    let tone = age.map_or(Tone::Neutral, |age| Tone::from(age.band));
    let arc = age.map(|age| arc(age.share_used(), 48.0, 42.0));
    let (figure, word) = age.map_or(("–".to_owned(), "no version"), |age| {
        (words::duration_short(age.age), age.band.word())
    });
    view! {
        <svg
            class=format!("ring ring--large ring--{}", tone.slug())
            viewBox="0 0 96 96"
            width="96"
            height="96"
            role="img"
            aria-label=spoken(age)
        >
            <circle class="ring__track" cx="48" cy="48" r="42" />
            {arc}
            <text class="ring__figure" x="48" y="50" text-anchor="middle">
                {figure}
            </text>
            <text class="ring__word" x="48" y="66" text-anchor="middle">
                {word}
            </text>
        </svg>
    }
    .into_any()
}

fn arc(share: f64, centre: f64, radius: f64) -> AnyView {
    // A sliver is always drawn, so that a fresh ring is told from an empty one.
    let percent = (share * 100.0).clamp(3.0, 100.0);
    view! {
        <circle
            class="ring__arc"
            cx=centre.to_string()
            cy=centre.to_string()
            r=radius.to_string()
            pathLength="100"
            stroke-dasharray=format!("{percent:.1} 100")
            transform=format!("rotate(-90 {centre} {centre})")
        />
    }
    .into_any()
}

/// The band as a shape: filled, half filled, a bar.
fn centre(band: AgeBand) -> AnyView {
    match band {
        AgeBand::Fresh => view! { <circle class="ring__shape" cx="8" cy="8" r="2.6" /> }.into_any(),
        AgeBand::Ageing => view! { <path class="ring__shape" d="M8 5.2a2.8 2.8 0 0 0 0 5.6z" /> }.into_any(),
        AgeBand::Stale => {
            view! { <rect class="ring__shape" x="5" y="7.1" width="6" height="1.8" /> }.into_any()
        }
    }
}

fn spoken(age: Option<Age>) -> String {
    let Some(age) = age else {
        return "No current version yet".into();
    };
    format!(
        "{}: {} old of a lifetime of {}",
        words::sentence_case(age.band.word()),
        words::duration(age.age),
        words::duration(age.lifetime)
    )
}
