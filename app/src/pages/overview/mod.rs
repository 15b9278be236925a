//! The overview: is all well, in five seconds.

mod cards;
mod in_flight;
mod next_days;
mod trends;

use leptos::prelude::*;

use self::cards::cards;
use self::in_flight::in_flight;
use self::next_days::next_days;
use self::trends::trends;
use super::{Heading, page, query};
use crate::components::credential_table::CredentialTable;
use crate::components::fleet::FleetRings;
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::need_list::NeedList;
use crate::components::notice::FormNotice;
use crate::components::panel::Panel;
use crate::components::sentence::Sentence;
use crate::components::states::EmptyState;
use crate::form::FormState;
use crate::islands::live::KeepFresh;
use crate::views::frame::Frame;
use crate::views::overview::{OverviewView, RolledBack, Span};
use crate::words;

#[component]
pub fn OverviewPage() -> impl IntoView {
    let span = query("span")
        .and_then(|text| Span::parse(&text))
        .unwrap_or_default();
    page(
        Heading::new(Place::Overview, "Overview"),
        move |reader| async move { reader.overview(span).await },
        |view, frame| {
            if view.credentials == 0 && frame.environment.is_none() {
                first_use().into_any()
            } else {
                draw(&view, &frame).into_any()
            }
        },
    )
    .into_any()
}

fn first_use() -> AnyView {
    view! {
        <EmptyState
            title="Nothing is looked after yet"
            text="Add an issuer (the database or API that accepts a credential), then the consumers that use it, then the credential itself. To see a rotation first, start the server with ROTA_SANDBOX=1: it brings services that can be broken on purpose."
            next=("Add an issuer", "/issuers/new".into())
        />
    }
    .into_any()
}

fn draw(view: &OverviewView, frame: &Frame) -> AnyView {
    let now = frame.now;
    let span = view.span;
    let heading = sentence(view);
    let in_flight = in_flight(&view.in_flight, now);
    let needs = needs(view, frame);
    let rolled_back = rolled_back(&view.rolled_back, frame);
    let next_days = next_days(&view.expiries, view.late_expiries);
    let teams = view.teams.clone();
    let longest_lived = view.longest_lived.clone();
    view! {
        <Sentence end=move || spans(span)>{heading}</Sentence>
        <FormNotice state=FormState::current() />
        {cards(view)}
        <div class="grid grid--two">
            <Panel title="Age by team" aside="largest team outside">
                <FleetRings teams />
            </Panel>
            <Panel title="Next 30 days" aside="when lifetimes end">
                {next_days}
            </Panel>
            <Panel title="In flight" live="in-flight">
                {in_flight}
            </Panel>
            <Panel title="Needs a person" live="needs">{needs}</Panel>
        </div>
        {trends(view)}
        <Panel title="Rolled back lately">{rolled_back}</Panel>
        <Panel title="Longest-lived credentials">
            <CredentialTable items=longest_lived now label="Longest-lived credentials" />
        </Panel>
        <KeepFresh />
    }
    .into_any()
}

/// "1,204 credentials. 94% rotate by themselves. 3 need a person."
fn sentence(view: &OverviewView) -> String {
    let needs = match view.needs_person_total {
        0 => "Nothing needs a person.".to_owned(),
        number => format!(
            "{} {} a person.",
            words::count(number),
            words::choose(number, "thing needs", "things need")
        ),
    };
    format!(
        "{}. {} {} by themselves. {needs}",
        words::counted(view.credentials, "credential"),
        words::percent(view.credentials_automated, view.credentials),
        words::choose(view.credentials_automated, "rotates", "rotate"),
    )
}

fn spans(current: Span) -> AnyView {
    let links = Span::ALL
        .map(|span| {
            view! {
                <a href=format!("/?span={}", span.slug()) aria-current=(span == current).then_some("true")>
                    {span.word()}
                </a>
            }
        })
        .collect_view();
    view! {
        <nav class="choices" aria-label="Span of the trends">
            {links}
        </nav>
    }
    .into_any()
}

fn needs(view: &OverviewView, frame: &Frame) -> AnyView {
    if view.needs_person.is_empty() {
        return view! { <p class="lack">"Nothing waits for a person."</p> }.into_any();
    }
    let shown = view.needs_person.len() as u64;
    let more = (view.needs_person_total > shown).then(|| {
        view! {
            <a href="/needs-a-person">{format!("All {}", words::count(view.needs_person_total))}</a>
        }
    });
    view! {
        <NeedList items=view.needs_person.clone() now=frame.now />
        {more}
    }
    .into_any()
}

fn rolled_back(items: &[RolledBack], frame: &Frame) -> AnyView {
    if items.is_empty() {
        return view! { <p class="lack">"No rotation was rolled back in this span."</p> }.into_any();
    }
    let now = frame.now;
    let lines = items
        .iter()
        .cloned()
        .map(|item| {
            view! {
                <li class="rolled-back">
                    <a class="name" href=format!("/rotations/{}", words::segment(&item.rotation))>
                        <bdi>{item.credential}</bdi>
                    </a>
                    <p class="rolled-back__why">{item.reason}</p>
                    <span class="rolled-back__when">
                        <Moment at=item.at style=Style::Relative now />
                    </span>
                </li>
            }
        })
        .collect_view();
    view! { <ul>{lines}</ul> }.into_any()
}
