//! The frame around every page: rail, top bar, ribbon, banners, way up; on a phone a bar at the bottom.

use leptos::prelude::*;

use super::icon::Icon;
use super::moment::Moment;
use crate::islands::palette::Palette;
use crate::islands::theme::ThemeSwitch;
use crate::islands::times::Times;
use crate::pages::Heading;
use crate::shell::Theme;
use crate::views::frame::{Frame as FrameView, Freeze};
use crate::words;

/// An entry of the rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Overview,
    Credentials,
    Rotations,
    Keys,
    Needs,
    Expiries,
    Issuers,
    Consumers,
    Recovery,
    Audit,
    Settings,
    /// No entry: sign in, not found.
    Nowhere,
}

impl Place {
    /// In the order of the rail; settings stand apart at its foot.
    const RAIL: [Self; 10] = [
        Self::Overview,
        Self::Credentials,
        Self::Rotations,
        Self::Needs,
        Self::Keys,
        Self::Expiries,
        Self::Issuers,
        Self::Consumers,
        Self::Recovery,
        Self::Audit,
    ];
    /// How many of the rail stand in the bottom bar of a phone before "More".
    const ON_PHONE: usize = 4;

    fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Credentials => "Credentials",
            Self::Rotations => "Rotations",
            Self::Keys => "Keys",
            Self::Recovery => "Recovery",
            Self::Needs => "Needs a person",
            Self::Expiries => "Expiries",
            Self::Issuers => "Issuers",
            Self::Consumers => "Consumers",
            Self::Audit => "Audit",
            Self::Settings => "Settings",
            Self::Nowhere => "",
        }
    }

    fn address(self) -> &'static str {
        match self {
            Self::Overview | Self::Nowhere => "/",
            Self::Credentials => "/credentials",
            Self::Rotations => "/rotations",
            Self::Keys => "/keys",
            Self::Recovery => "/recovery",
            Self::Needs => "/needs-a-person",
            Self::Expiries => "/expiries",
            Self::Issuers => "/issuers",
            Self::Consumers => "/consumers",
            Self::Audit => "/audit",
            Self::Settings => "/settings",
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::Overview | Self::Nowhere => Icon::Overview,
            Self::Credentials => Icon::Credential,
            Self::Rotations => Icon::Rotation,
            Self::Keys => Icon::Key,
            Self::Recovery => Icon::Recovery,
            Self::Needs => Icon::Person,
            Self::Expiries => Icon::Calendar,
            Self::Issuers => Icon::Issuer,
            Self::Consumers => Icon::Consumer,
            Self::Audit => Icon::Audit,
            Self::Settings => Icon::Settings,
        }
    }

    /// Whether what stands here belongs to an environment.
    fn is_narrowed(self) -> bool {
        matches!(
            self,
            Self::Overview
                | Self::Credentials
                | Self::Rotations
                | Self::Keys
                | Self::Needs
                | Self::Expiries
                | Self::Issuers
                | Self::Consumers
        )
    }

    fn short_label(self) -> &'static str {
        match self {
            Self::Needs => "Needs you",
            other => other.label(),
        }
    }
}

/// A step of the way up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    pub label: String,
    pub address: String,
}

#[component]
pub fn Frame(frame: FrameView, heading: Heading, children: Children) -> impl IntoView {
    let Heading { place, title, crumbs } = heading;
    view! {
        <a class="skip" href="#content">
            "Skip to the content"
        </a>
        <div class="frame">
            <nav class="rail" aria-label="Main">
                <a class="rail__mark" href="/">
                    <Mark />
                    "Rota"
                </a>
                <ul class="rail__list">
                    {Place::RAIL.map(|entry| rail_entry(entry, place, frame.needs_person)).collect_view()}
                </ul>
                <ul class="rail__list rail__list--foot">{rail_entry(Place::Settings, place, 0)}</ul>
            </nav>
            <div class="frame__body">
                <TopBar frame=frame.clone() />
                {banners(&frame)}
                <main class="content" id="content" tabindex="-1">
                    {narrowed(&frame, place, crumbs.is_empty())} {breadcrumbs(crumbs, title)}
                    {children()}
                </main>
            </div>
            {phone_bar(place, frame.needs_person)}
        </div>
        <Times />
        <Palette />
    }
    .into_any()
}

/// Rota's mark: a ring whose last part is about to be renewed.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
            <circle class="mark__track" cx="10" cy="10" r="7.5" />
            <circle
                class="mark__arc"
                cx="10"
                cy="10"
                r="7.5"
                pathLength="100"
                stroke-dasharray="68 100"
                transform="rotate(-90 10 10)"
            />
            <circle class="mark__dot" cx="10" cy="10" r="2.5" />
        </svg>
    }
    .into_any()
}

fn rail_entry(entry: Place, current: Place, needs_person: u64) -> AnyView {
    let badge = (entry == Place::Needs && needs_person > 0)
        .then(|| view! { <span class="rail__count">{words::count(needs_person)}</span> });
    view! {
        <li>
            <a class="rail__link" href=entry.address() aria-current=(entry == current).then_some("page")>
                {entry.icon().draw()}
                <span class="rail__label">{entry.label()}</span>
                {badge}
            </a>
        </li>
    }
    .into_any()
}

fn phone_bar(current: Place, needs_person: u64) -> AnyView {
    let (first, rest) = Place::RAIL.split_at(Place::ON_PHONE);
    let in_more = rest.contains(&current) || current == Place::Settings;
    let entries = first
        .iter()
        .copied()
        .map(|entry| phone_entry(entry, current, needs_person))
        .collect_view();
    let more = rest
        .iter()
        .copied()
        .chain([Place::Settings])
        .map(|entry| rail_entry(entry, current, needs_person))
        .collect_view();
    view! {
        <nav class="phone-bar" aria-label="Main, small screen">
            {entries} <details class="phone-bar__more">
                <summary class="phone-bar__link" data-current=in_more.then_some("")>
                    {Icon::More.draw()}
                    "More"
                </summary>
                <ul class="phone-bar__sheet">{more}</ul>
            </details>
        </nav>
    }
    .into_any()
}

fn phone_entry(entry: Place, current: Place, needs_person: u64) -> AnyView {
    let badge = (entry == Place::Needs && needs_person > 0)
        .then(|| view! { <span class="rail__count">{words::count(needs_person)}</span> });
    view! {
        <a class="phone-bar__link" href=entry.address() aria-current=(entry == current).then_some("page")>
            {entry.icon().draw()}
            {entry.short_label()}
            {badge}
        </a>
    }
    .into_any()
}

#[component]
fn TopBar(frame: FrameView) -> impl IntoView {
    let theme = use_context::<Theme>().unwrap_or_default();
    view! {
        <header class="top-bar">
            {environment_switch(&frame)} <form class="search" method="get" action="/credentials" role="search">
                {Icon::Search.draw()} <label class="hidden" for="search">
                    "Search credentials"
                </label>
                <input
                    class="search__input"
                    id="search"
                    name="q"
                    type="search"
                    placeholder="Search credentials"
                    autocomplete="off"
                    spellcheck="false"
                /> <kbd class="search__key" aria-hidden="true">
                    "/"
                </kbd>
            </form>
            <div class="top-bar__end">
                <ThemeSwitch initial=theme.slug().to_owned() />
                <details class="menu menu--end">
                    <summary class="menu__summary">
                        {Icon::Person.draw()} <bdi class="menu__name">{frame.viewer.name.clone()}</bdi>
                    </summary>
                    <div class="menu__sheet">
                        <p class="menu__note">
                            "Signed in as " <bdi>{frame.viewer.name.clone()}</bdi> ", " {frame.viewer.role.word()} "."
                        </p>
                        <form method="post" action="/sign-out">
                            <button class="button" type="submit">
                                "Sign out"
                            </button>
                        </form>
                    </div>
                </details>
            </div>
        </header>
    }
    .into_any()
}

fn environment_switch(frame: &FrameView) -> AnyView {
    let current = frame
        .environment
        .clone()
        .unwrap_or_else(|| "All environments".into());
    let choices = std::iter::once(("", "All environments".to_owned()))
        .chain(
            frame
                .environments
                .iter()
                .map(|name| (name.as_str(), name.clone())),
        )
        .map(|(value, label)| {
            let pressed = value == frame.environment.as_deref().unwrap_or_default();
            view! {
                <button
                    class="menu__choice"
                    type="submit"
                    name="environment"
                    value=value.to_owned()
                    aria-pressed=pressed.to_string()
                >
                    <bdi>{label}</bdi>
                </button>
            }
        })
        .collect_view();
    view! {
        <details class="menu">
            <summary class="menu__summary">
                <span class="hidden">"Environment: "</span>
                <bdi>{current}</bdi>
            </summary>
            <form class="menu__sheet" method="post" action="/settings/environment">
                {choices}
            </form>
        </details>
    }
    .into_any()
}

/// On lists, which obey the switch: to what they are narrowed, and the way back.
fn narrowed(frame: &FrameView, place: Place, is_list: bool) -> AnyView {
    let Some(environment) = frame
        .environment
        .clone()
        .filter(|_| is_list && place.is_narrowed())
    else {
        return ().into_any();
    };
    view! {
        <form class="narrowed" method="post" action="/settings/environment">
            <span>"Showing " <strong><bdi>{environment}</bdi></strong> " only."</span>
            <button class="button" type="submit" name="environment" value="">
                "Show all"
            </button>
        </form>
    }
    .into_any()
}

fn banners(frame: &FrameView) -> AnyView {
    let sandbox = frame.sandbox.then(|| {
        view! {
            <p class="ribbon">
                <strong>"Sandbox."</strong>
                " The services, issuers and their failures are real programs on this machine; nothing here guards anything."
            </p>
        }
    });
    let bootstrap = frame.bootstrap_token_active.then(|| {
        view! {
            <p class="banner banner--ageing">
                "The bootstrap token is set: a program may act as an administrator until it is removed from the server."
            </p>
        }
    });
    let seal = frame.sealed.clone().map(|words| {
        view! {
            <p class="banner banner--sealed" role="alert">
                <span>
                    <strong>{words}</strong>
                    " What needs a key is refused with 503; nothing is lost."
                </span>
                <a href="/root">"Unseal"</a>
            </p>
        }
    });
    let findings = frame
        .standing_findings
        .iter()
        .cloned()
        .map(|finding| view! { <p class="banner banner--ageing">{finding}</p> })
        .collect_view();
    let freezes = frame.freezes.iter().map(freeze_banner).collect_view();
    view! { <aside aria-label="Standing notices">{seal} {sandbox} {freezes} {bootstrap} {findings}</aside> }
        .into_any()
}

fn freeze_banner(freeze: &Freeze) -> AnyView {
    let scope = freeze
        .environment
        .clone()
        .unwrap_or_else(|| "every environment".into());
    let until = freeze.until.map(|at| view! { ", until " <Moment at /> });
    let waiting = (freeze.waiting > 0).then(|| {
        format!(
            " {} {}.",
            words::counted(freeze.waiting, "scheduled rotation"),
            words::choose(freeze.waiting, "waits", "wait")
        )
    });
    view! {
        <p class="banner banner--freeze">
            {Icon::Freeze.draw()} <span>
                <strong>"Frozen: " <bdi>{scope}</bdi></strong> " since " <Moment at=freeze.since /> {until} ". "
                <bdi>{freeze.who.clone()}</bdi> ": “" <bdi>{freeze.reason.clone()}</bdi> "”." {waiting}
            </span> <a href="/settings#freezes">"Freezes"</a>
        </p>
    }
    .into_any()
}

fn breadcrumbs(crumbs: Vec<Crumb>, title: String) -> AnyView {
    (!crumbs.is_empty())
        .then(|| {
            let steps = crumbs
                .into_iter()
                .map(|crumb| {
                    view! {
                        <li>
                            <a href=crumb.address>{crumb.label}</a>
                        </li>
                    }
                })
                .collect_view();
            view! {
                <nav class="crumbs" aria-label="Way up">
                    <ol>
                        {steps} <li aria-current="page">
                            <bdi>{title}</bdi>
                        </li>
                    </ol>
                </nav>
            }
        })
        .into_any()
}
