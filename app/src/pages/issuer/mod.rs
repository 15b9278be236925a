//! One issuer: how it is reached, what was noticed, what it issues.

use leptos::prelude::*;

use super::issuers::health;
use super::{Heading, page, parameter};
use crate::components::credential_table::{CredentialTable, sandbox_mark};
use crate::components::finding_list::FindingList;
use crate::components::form_page::FormProblems;
use crate::components::frame::Place;
use crate::components::panel::Panel;
use crate::form::FormState;
use crate::forms::SubjectForm;
use crate::views::frame::Frame;
use crate::views::issuer::{IssuerHealth, IssuerView};
use crate::words;

#[component]
pub fn IssuerPage() -> impl IntoView {
    let name = parameter("name");
    let heading = Heading::new(Place::Issuers, name.clone()).below("Issuers", "/issuers");
    page(
        heading,
        move |reader| async move { reader.issuer(&name).await },
        |view, frame| draw(view, &frame),
    )
}

fn draw(view: IssuerView, frame: &Frame) -> AnyView {
    let now = frame.now;
    let line = view.line.clone();
    let config = view
        .config
        .into_iter()
        .map(|(name, value)| {
            view! {
                <dt>{name}</dt>
                <dd>
                    <bdi>{value}</bdi>
                </dd>
            }
        })
        .collect_view();
    let credentials = view.credentials;
    let has_findings = !view.findings.is_empty();
    let findings = view.findings;
    let total = line.credentials;
    let shown = credentials.len() as u64;
    let all = super::address("/credentials", [("q", Some(line.name.as_str()))]);
    view! {
        <header class="subject subject--flat">
            <div class="subject__text">
                <h1 class="subject__name">
                    <bdi>{line.name.clone()}</bdi>
                    {line.sandbox.then(sandbox_mark)}
                </h1>
                <p class="subject__facts">
                    {line.kind.clone()} " · " <bdi>{line.environment.clone()}</bdi> " · "
                    <bdi class="mono">{line.address.clone()}</bdi>
                </p>
                <p class="subject__sentence">{sentence(&line.health, line.credentials)}</p>
            </div>
            {view.may_administer.then(|| actions(&line.name, line.credentials))}
        </header>
        <FormProblems state=FormState::current() />
        <div class="grid grid--two">
            <Panel title="How it is reached" aside="the administrator's secret is sealed and never shown">
                <dl class="facts">
                    <dt>"State"</dt>
                    <dd>{health(line.health.clone(), now)}</dd>
                    {config}
                </dl>
            </Panel>
            <Panel title="Findings">
                {if has_findings {
                    view! { <FindingList items=findings now /> }.into_any()
                } else {
                    view! { <p class="lack">"Nothing was noticed at the last test."</p> }.into_any()
                }}
            </Panel>
        </div>
        <Panel title="Credentials it issues">
            {if shown == 0 {
                view! {
                    <p class="lack">
                        "None yet. " <a href=super::address("/credentials/new", [("issuer", Some(line.name.as_str()))])>"Add a credential of this issuer"</a>
                    </p>
                }
                    .into_any()
            } else {
                view! { <CredentialTable items=credentials now label="Credentials of this issuer" /> }.into_any()
            }} {(shown < total).then(|| view! { <p><a href=all>{format!("All {}", words::counted(total, "credential"))}</a></p> })}
        </Panel>
    }
    .into_any()
}

fn sentence(health: &IssuerHealth, credentials: u64) -> String {
    let issues = match credentials {
        0 => "It issues no credential yet.".to_owned(),
        number => format!("It issues {}.", words::counted(number, "credential")),
    };
    let state = match health {
        IssuerHealth::Unknown => "The connection has not been tried yet.",
        IssuerHealth::Reached { .. } => "It answers.",
        IssuerHealth::Failing { .. } => {
            "The last attempt failed; after three in a row, scheduled rotations wait."
        }
        IssuerHealth::BreakerOpen { .. } => {
            "It failed three times in a row: scheduled rotations wait until a connection test works. Credentials in use are not touched."
        }
    };
    format!("{issues} {state}")
}

fn actions(name: &str, credentials: u64) -> AnyView {
    let edit = format!("/issuers/{}/edit", words::segment(name));
    let delete = (credentials == 0).then(|| {
        view! {
            <details class="ask">
                <summary class="button button--quiet">"Remove"</summary>
                <form class="ask__sheet form" method="post">
                    <input type="hidden" name="action" value=SubjectForm::DELETE />
                    <p class="ask__effect">
                        "Rota forgets this issuer and shreds what its administrator signs in with. Nothing is changed at the issuer itself."
                    </p>
                    <button class="button button--grave" type="submit">
                        "Remove the issuer"
                    </button>
                </form>
            </details>
        }
    });
    view! {
        <div class="subject__actions">
            <form method="post">
                <input type="hidden" name="action" value=SubjectForm::TEST />
                <button class="button" type="submit">
                    "Test connection"
                </button>
            </form>
            <a class="button" href=edit>
                "Change"
            </a>
            {delete}
        </div>
    }
    .into_any()
}
