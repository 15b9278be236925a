//! The root of trust and the seal: what is open, and the form in which people enter what opens it.

use leptos::prelude::*;
use time::OffsetDateTime;

use super::{Heading, page};
use crate::components::ask::{Ask, Weight};
use crate::components::badge::{Badge, Tone};
use crate::components::field::Field;
use crate::components::form_page::FormProblems;
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::components::sentence::Sentence;
use crate::form::FormState;
use crate::forms::{SealForm, UnsealForm};
use crate::islands::live::KeepFresh;
use crate::views::frame::Frame;
use crate::views::root::{ClassLine, RootView, SealState};
use crate::words;

#[component]
pub fn RootPage() -> impl IntoView {
    page(
        Heading::new(Place::Recovery, "Root of trust").below("Recovery", "/recovery"),
        |reader| async move { reader.root().await },
        |view, frame| draw(&view, &frame),
    )
}

fn draw(view: &RootView, frame: &Frame) -> AnyView {
    let now = frame.now;
    let state = FormState::current();
    let heading = sentence(view);
    let classes = classes(&view.classes, now);
    let facts = facts(view);
    let seal = seal(view, &state);
    view! {
        <Sentence>{heading}</Sentence>
        <FormProblems state=state.clone() />
        {(!view.seal.is_open()).then(|| unseal(view, &state))}
        <Panel title="Root of trust" live="root">
            {facts}
        </Panel>
        <Panel title="Wrapping keys" live="classes" aside="those of one class open nothing of another">
            {classes}
        </Panel>
        {seal}
        <KeepFresh />
    }
    .into_any()
}

fn sentence(view: &RootView) -> String {
    match &view.seal {
        SealState::Open => format!("Open: the root key comes from {}.", view.described),
        other => format!(
            "{} Nothing that needs a key is served until it is open.",
            other.words()
        ),
    }
}

/// The form that opens it: one share at a time, by different people, or the passphrase.
fn unseal(view: &RootView, state: &FormState) -> AnyView {
    if !view.may_operate {
        return view! { <p class="notice notice--ageing">"Your role may look, not unseal."</p> }.into_any();
    }
    let own = state.of_action(UnsealForm::ACTION);
    let is_required = matches!(
        view.seal,
        SealState::NeedsShares { .. } | SealState::NeedsPassphrase
    );
    let (label, hint, button, progress) = match &view.seal {
        SealState::NeedsShares { entered, needed } => (
            "Share",
            "One line, as it was printed. It stays in this server's memory until enough are here, and is shown to nobody.",
            "Enter this share",
            Some((*entered, *needed)),
        ),
        SealState::NeedsPassphrase => ("Passphrase", "Typed once; it is not stored.", "Unseal", None),
        SealState::Sealed { .. } | SealState::Open => (
            "Passphrase",
            "Blank tries the root that the server is configured with.",
            "Unseal",
            None,
        ),
    };
    let progress = progress.map(|(entered, needed)| {
        let left = needed.saturating_sub(entered);
        let squares = (0..needed)
            .map(|index| {
                let class = if index < entered {
                    "share share--entered"
                } else {
                    "share"
                };
                view! { <i class=class></i> }
            })
            .collect_view();
        view! {
            <p class="shares">
                <span class="shares__squares" aria-hidden="true">{squares}</span>
                <strong>{format!("{entered} of {needed} shares")}</strong>
                {format!(" are entered; {} still missing.", words::counted_as(left, "is", "are"))}
            </p>
        }
    });
    view! {
        <Panel title="Unseal" live="unseal">
            {progress}
            <form class="form" method="post" autocomplete="off">
                <input type="hidden" name="action" value=UnsealForm::ACTION />
                <Field state=own name="secret" label=label hint=hint kind="password" required=is_required autocomplete="off" />
                <div class="form__end">
                    <button class="button button--primary" type="submit">
                        {button}
                    </button>
                </div>
            </form>
            <p class="lack">
                "Or on the server: " <code>"rota unseal"</code>
            </p>
        </Panel>
    }
    .into_any()
}

fn facts(view: &RootView) -> AnyView {
    let answers = match view.answers {
        Some(true) => view! { <Badge tone=Tone::Fresh word="answers" /> }.into_any(),
        Some(false) => view! {
            <Badge tone=Tone::Stale word="does not answer" />
            <span class="reason">
                "Keys in memory keep serving for a bounded time; after that, whatever needs one answers 503."
            </span>
        }
        .into_any(),
        None => view! { <span class="lack">"on this machine, never away"</span> }.into_any(),
    };
    let (tone, word) = if view.seal.is_open() {
        (Tone::Fresh, "open")
    } else {
        (Tone::Stale, "sealed")
    };
    let migration = view.migration.clone().map(|words| {
        view! {
            <dt>"Moving"</dt>
            <dd>{words}</dd>
        }
    });
    view! {
        <dl class="facts">
            <dt>"State"</dt>
            <dd>
                <Badge tone word />
            </dd>
            <dt>"Kind"</dt>
            <dd>{words::sentence_case(&view.kind)}</dd>
            <dt>"Where"</dt>
            <dd>
                <bdi>{view.described.clone()}</bdi>
            </dd>
            <dt>"Reached"</dt>
            <dd>{answers}</dd>
            {migration}
        </dl>
    }
    .into_any()
}

fn classes(classes: &[ClassLine], now: OffsetDateTime) -> AnyView {
    if classes.is_empty() {
        return view! { <p class="lack">"Sealed: which wrapping keys there are is known once it is open."</p> }
            .into_any();
    }
    let rows = classes
        .iter()
        .map(|line| {
            view! {
                <tr>
                    <th scope="row" class="name-cell">
                        {words::sentence_case(&line.class)}
                    </th>
                    <td data-label="Version" class="number">
                        {words::count(line.version)}
                    </td>
                    <td data-label="Active since">
                        <Moment at=line.since style=Style::Relative now />
                    </td>
                    <td data-label="Replaced after">{words::counted(line.rotates_after_days, "day")}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label="Wrapping keys">
            <table class="table table--lines">
                <thead>
                    <tr>
                        <th scope="col">"Class"</th>
                        <th scope="col" class="number">
                            "Version"
                        </th>
                        <th scope="col">"Active since"</th>
                        <th scope="col">"Replaced after"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn seal(view: &RootView, state: &FormState) -> AnyView {
    if !view.may_administer || !view.seal.is_open() {
        return ().into_any();
    }
    let state = state.clone();
    view! {
        <Panel title="Seal">
            <p class="panel__text">
                "Sealing wipes every key from this server's memory. Deliveries, encryption and rotations stop on it until it is unsealed."
            </p>
            <div>
                <Ask
                    state
                    action=SealForm::ACTION
                    label="Seal now"
                    effect="Every consumer that asks this server is refused with 503 until people unseal it. What they hold keeps working."
                    weight=Weight::Grave
                />
            </div>
        </Panel>
    }
    .into_any()
}
