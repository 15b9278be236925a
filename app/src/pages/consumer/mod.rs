//! One consumer: its instances, its tokens, and how its programs use them.

mod tokens;
pub(super) mod usage;

use leptos::prelude::*;

pub(super) use self::tokens::revoke;
use self::tokens::tokens;
use self::usage::usage;
use super::{Heading, page, parameter};
use crate::components::badge::Badge;
use crate::components::credential_table::{CredentialTable, sandbox_mark};
use crate::components::form_page::FormProblems;
use crate::components::frame::Place;
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::components::shown_once::OnceNotice;
use crate::form::{FormState, OnceKind};
use crate::forms::SubjectForm;
use crate::views::consumer::{ConsumerInstance, ConsumerView};
use crate::views::frame::Frame;
use crate::words;

/// Instances shown before the rest is only counted.
const SHOWN: usize = 60;

#[component]
pub fn ConsumerPage() -> impl IntoView {
    let name = parameter("name");
    let heading = Heading::new(Place::Consumers, name.clone()).below("Consumers", "/consumers");
    page(
        heading,
        move |reader| async move { reader.consumer(&name).await },
        |view, frame| draw(&view, &frame),
    )
}

fn draw(view: &ConsumerView, frame: &Frame) -> AnyView {
    let now = frame.now;
    let line = view.line.clone();
    let state = FormState::current();
    let credential_names: Vec<String> = view
        .credentials
        .iter()
        .map(|credential| credential.name.clone())
        .collect();
    let credentials = view.credentials.clone();
    let has_credentials = !credentials.is_empty();
    view! {
        <header class="subject subject--flat">
            <div class="subject__text">
                <h1 class="subject__name">
                    <bdi>{line.name.clone()}</bdi>
                    {line.sandbox.then(sandbox_mark)}
                </h1>
                <p class="subject__facts">
                    "service " <bdi>{line.service.clone()}</bdi> " · " <bdi>{line.environment.clone()}</bdi> {labels(&view.labels)}
                </p>
                <p class="subject__sentence" data-live="sentence">
                    {sentence(view)}
                </p>
            </div>
            {view.may_operate.then(|| actions(&line.name, line.credentials))}
        </header>
        <FormProblems state=state.clone() />
        <OnceNotice kind=OnceKind::ConsumerToken />
        <div class="grid grid--two">
            {instances(&view.instances, now)} {tokens(view, &state, now)}
        </div>
        {usage(&line.name, &credential_names, &view.server_url)}
        <Panel title="Credentials it may fetch">
            {if has_credentials {
                view! { <CredentialTable items=credentials now label="Credentials of this consumer" /> }.into_any()
            } else {
                view! {
                    <p class="lack">
                        "None yet. A credential names its consumers: add this one on the credential's “Change” page. " <a href="/credentials">"Credentials"</a>
                    </p>
                }
                    .into_any()
            }}
        </Panel>
    }
    .into_any()
}

fn labels(labels: &[(String, String)]) -> AnyView {
    labels
        .iter()
        .map(|(key, value)| view! { " · " <bdi>{format!("{key} {value}")}</bdi> })
        .collect_view()
        .into_any()
}

/// "5 instances are live and use 2 credentials; 1 was refused at its last report."
fn sentence(view: &ConsumerView) -> String {
    let line = &view.line;
    if line.live_instances + line.failing_instances + line.absent_instances == 0 {
        return "No instance has fetched anything yet. Below is how to start one.".into();
    }
    let refused = match line.failing_instances {
        0 => String::new(),
        number => format!(
            "; {} {} refused at the last report",
            words::count(number),
            words::choose(number, "was", "were")
        ),
    };
    let absent = match line.absent_instances {
        0 => String::new(),
        number => format!("; {} silent, which blocks no rotation", words::count(number)),
    };
    format!(
        "{} {} live and may fetch {}{refused}{absent}.",
        words::counted(line.live_instances, "instance"),
        words::choose(line.live_instances, "is", "are"),
        words::counted(line.credentials, "credential"),
    )
}

fn actions(name: &str, credentials: u64) -> AnyView {
    let edit = format!("/consumers/{}/edit", words::segment(name));
    let delete = (credentials == 0).then(|| {
        view! {
            <details class="ask">
                <summary class="button button--quiet">"Remove"</summary>
                <form class="ask__sheet form" method="post">
                    <input type="hidden" name="action" value=SubjectForm::DELETE />
                    <p class="ask__effect">"Its tokens open nothing from then on. No credential is touched: none is bound to it."</p>
                    <button class="button button--grave" type="submit">
                        "Remove the consumer and revoke its tokens"
                    </button>
                </form>
            </details>
        }
    });
    view! {
        <div class="subject__actions">
            <a class="button" href=edit>
                "Change"
            </a>
            {delete}
        </div>
    }
    .into_any()
}

fn instances(instances: &[ConsumerInstance], now: time::OffsetDateTime) -> AnyView {
    if instances.is_empty() {
        return view! {
            <Panel title="Instances" live="instances">
                <p class="lack">"No instance has fetched a credential yet."</p>
            </Panel>
        }
        .into_any();
    }
    let hidden = instances.len().saturating_sub(SHOWN) as u64;
    let rows = instances
        .iter()
        .take(SHOWN)
        .map(|line| instance(line, now))
        .collect_view();
    view! {
        <Panel title="Instances" live="instances" aside="as each names itself in X-Rota-Instance">
            <div class="table-box" tabindex="0" role="region" aria-label="Instances">
                <table class="table table--tight table--lines">
                    <thead>
                        <tr>
                            <th scope="col">"Instance"</th>
                            <th scope="col">"Credential"</th>
                            <th scope="col" class="number">
                                "Version"
                            </th>
                            <th scope="col">"Last seen"</th>
                            <th scope="col">"Health"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {(hidden > 0).then(|| view! { <p class="lack">{format!("and {} more", words::counted(hidden, "instance"))}</p> })}
        </Panel>
    }
    .into_any()
}

fn instance(line: &ConsumerInstance, now: time::OffsetDateTime) -> AnyView {
    let seen = match line.instance.last_seen {
        Some(at) => view! { <Moment at style=Style::Relative now /> }.into_any(),
        None => view! { <span class="lack">"never"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="name-cell mono">
                <bdi>{line.instance.name.clone()}</bdi>
            </th>
            <td data-label="Credential">
                <a class="name" href=format!("/credentials/{}", words::segment(&line.credential))>
                    <bdi>{line.credential.clone()}</bdi>
                </a>
            </td>
            <td data-label="Version" class="number">
                {line.instance.version.map_or("–".to_owned(), words::count)}
            </td>
            <td data-label="Last seen">{seen}</td>
            <td data-label="Health">
                <Badge tone=line.instance.health word=line.instance.health.word() />
            </td>
        </tr>
    }
    .into_any()
}
