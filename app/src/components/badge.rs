//! States as a shape, a word and a colour.

use leptos::prelude::*;

use crate::views::credential::{InstanceHealth, Severity, VersionState};
use crate::views::key::KeyState;
use crate::views::rotation::{Stage, StageKind};
use crate::views::{AgeBand, PolicyStatus};

/// What a colour means, apart from whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Neutral,
    Info,
    Fresh,
    Ageing,
    Stale,
}

impl Tone {
    pub fn slug(self) -> &'static str {
        match self {
            Self::Neutral => "neutral",
            Self::Info => "info",
            Self::Fresh => "fresh",
            Self::Ageing => "ageing",
            Self::Stale => "stale",
        }
    }
}

impl From<AgeBand> for Tone {
    fn from(band: AgeBand) -> Self {
        match band {
            AgeBand::Fresh => Self::Fresh,
            AgeBand::Ageing => Self::Ageing,
            AgeBand::Stale => Self::Stale,
        }
    }
}

impl From<PolicyStatus> for Tone {
    fn from(status: PolicyStatus) -> Self {
        match status {
            PolicyStatus::OnTime => Self::Fresh,
            PolicyStatus::Due => Self::Ageing,
            PolicyStatus::Overdue => Self::Stale,
        }
    }
}

impl From<StageKind> for Tone {
    fn from(kind: StageKind) -> Self {
        match kind {
            StageKind::Moving => Self::Info,
            StageKind::Waiting | StageKind::RolledBack => Self::Ageing,
            StageKind::Done => Self::Fresh,
            StageKind::Stuck => Self::Stale,
        }
    }
}

impl From<InstanceHealth> for Tone {
    fn from(health: InstanceHealth) -> Self {
        match health {
            InstanceHealth::Well => Self::Fresh,
            InstanceHealth::Failing => Self::Stale,
            InstanceHealth::Absent => Self::Neutral,
        }
    }
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Notice => Self::Info,
            Severity::Warning => Self::Ageing,
            Severity::Critical => Self::Stale,
        }
    }
}

impl From<VersionState> for Tone {
    fn from(state: VersionState) -> Self {
        match state {
            VersionState::Current => Self::Fresh,
            VersionState::Candidate => Self::Info,
            VersionState::Failed => Self::Stale,
            VersionState::Previous | VersionState::Retired | VersionState::Destroyed => Self::Neutral,
        }
    }
}

impl From<KeyState> for Tone {
    fn from(state: KeyState) -> Self {
        match state {
            KeyState::Active => Self::Fresh,
            KeyState::PreActive => Self::Info,
            KeyState::Suspended => Self::Ageing,
            KeyState::Revoked => Self::Stale,
            KeyState::Deprecated | KeyState::Destroyed => Self::Neutral,
        }
    }
}

/// A word with the shape of its state before it.
#[component]
pub fn Badge(#[prop(into)] tone: Tone, #[prop(into)] word: String) -> impl IntoView {
    view! {
        <span class=format!("badge badge--{}", tone.slug())>
            <Glyph tone />
            {word}
        </span>
    }
    .into_any()
}

/// The badge of a rotation's stage.
#[component]
pub fn StageBadge(stage: Stage) -> impl IntoView {
    let tone = match &stage {
        Stage::Cancelled { .. } => Tone::Neutral,
        other => Tone::from(other.kind()),
    };
    view! { <Badge tone word=stage.words() /> }.into_any()
}

/// Filled disc, half disc, open ring with a bar, dot, dashed ring: told apart without colour.
#[component]
pub fn Glyph(tone: Tone) -> impl IntoView {
    let shape = match tone {
        Tone::Fresh => view! { <circle class="glyph__fill" cx="5" cy="5" r="4" /> }.into_any(),
        Tone::Ageing => view! {
            <circle class="glyph__line" cx="5" cy="5" r="3.4" />
            <path class="glyph__fill" d="M5 1.6a3.4 3.4 0 0 0 0 6.8z" />
        }
        .into_any(),
        Tone::Stale => view! {
            <circle class="glyph__line" cx="5" cy="5" r="3.4" />
            <path class="glyph__line" d="M2.6 5h4.8" />
        }
        .into_any(),
        Tone::Info => {
            view! { <path class="glyph__line" d="M2 2.4 5.6 5 2 7.6M5 2.4 8.6 5 5 7.6" /> }.into_any()
        }
        Tone::Neutral => {
            view! { <circle class="glyph__line" cx="5" cy="5" r="3.4" stroke-dasharray="1.6 1.4" /> }
                .into_any()
        }
    };
    view! {
        <svg class=format!("glyph glyph--{}", tone.slug()) viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
            {shape}
        </svg>
    }
    .into_any()
}
