//! Adding a credential and changing one: what it is, how it rotates, who uses it.

mod policy;
mod subject;

use leptos::prelude::*;

use super::{Heading, page, parameter, query};
use crate::components::choice::{CheckboxList, Choice};
use crate::components::field::{Field, TextArea};
use crate::components::form_page::{form_page, group};
use crate::components::frame::{Crumb, Place};
use crate::components::sentence::Sentence;
use crate::components::states::{EmptyState, ErrorState};
use crate::form::FormState;
use crate::forms::{CredentialForm, Form};
use crate::reader::ReadError;
use crate::views::credential::{CredentialFormView, IssuerChoice};
use crate::words;

/// Beyond this many consumers their names are typed, not ticked.
const TICKED: usize = 80;

#[component]
pub fn NewCredentialPage() -> impl IntoView {
    let issuer = FormState::current().value("issuer").or_else(|| query("issuer"));
    page(
        Heading::new(Place::Credentials, "Add a credential").below("Credentials", "/credentials"),
        |reader| async move { reader.credential_form(None).await },
        move |view: CredentialFormView, _| {
            if !view.may_operate {
                return forbidden();
            }
            let chosen = view
                .issuers
                .iter()
                .find(|choice| issuer.as_deref() == Some(choice.name.as_str()));
            match chosen {
                Some(chosen) => {
                    let blank = CredentialForm::blank(&chosen.name, &chosen.kind, &chosen.environment);
                    let state = FormState::current().or_values(blank.values());
                    draw(&view, &state, None)
                }
                None if view.issuers.is_empty() => view! {
                    <EmptyState
                        title="An issuer comes first"
                        text="A credential is made and taken back by an issuer, such as a PostgreSQL server. There is none yet."
                        next=("Add an issuer", "/issuers/new".into())
                    />
                }
                .into_any(),
                None => choose_issuer(&view.issuers),
            }
        },
    )
}

#[component]
pub fn EditCredentialPage() -> impl IntoView {
    let name = parameter("name");
    let mut heading = Heading::new(Place::Credentials, "Change").below("Credentials", "/credentials");
    heading.crumbs.push(Crumb {
        label: name.clone(),
        address: format!("/credentials/{}", words::segment(&name)),
    });
    let asked = name.clone();
    page(
        heading,
        move |reader| async move { reader.credential_form(Some(&asked)).await },
        move |view: CredentialFormView, _| {
            if !view.may_operate {
                return forbidden();
            }
            let present = view.present.clone().unwrap_or_default();
            draw(&view, &FormState::current().or_values(present), Some(&name))
        },
    )
}

fn forbidden() -> AnyView {
    crate::reply::ReplyStatus::set(403);
    view! { <ErrorState error=ReadError::Forbidden /> }.into_any()
}

fn choose_issuer(issuers: &[IssuerChoice]) -> AnyView {
    let ways = issuers
        .iter()
        .map(|issuer| {
            let address = super::address("/credentials/new", [("issuer", Some(issuer.name.as_str()))]);
            view! {
                <li>
                    <a class="way" href=address>
                        <strong class="way__title mono">
                            <bdi>{issuer.name.clone()}</bdi>
                        </strong>
                        <span class="way__text">
                            {kind_in_words(&issuer.kind)} " · " <bdi>{issuer.environment.clone()}</bdi> " · "
                            <bdi>{issuer.address.clone()}</bdi>
                        </span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <Sentence>"Which issuer makes the credential?"</Sentence>
        <ul class="ways">{ways}</ul>
        <p>
            <a href="/issuers/new">"Another issuer"</a>
        </p>
    }
    .into_any()
}

fn kind_in_words(kind: &str) -> String {
    match kind {
        "postgresql" => "PostgreSQL".into(),
        "http_api_key" => "service with API keys".into(),
        other => other.replace('_', " "),
    }
}

fn draw(view: &CredentialFormView, state: &FormState, name: Option<&str>) -> AnyView {
    let issuer = state.value("issuer").unwrap_or_default();
    let (title, lead, save) = match name {
        Some(name) => (
            format!("Change {name}"),
            "Nothing rotates because of a change here. A new policy counts from now on.".to_owned(),
            "Store the change",
        ),
        None => (
            format!("Add a credential of {issuer}"),
            "Rota checks at the issuer that what you name is there. Without an existing login to adopt, it makes version 1 at once.".to_owned(),
            "Check and add the credential",
        ),
    };
    let back = name.map_or("/credentials".to_owned(), |name| {
        format!("/credentials/{}", words::segment(name))
    });
    let kept = ["issuer", "issuer_kind", "revision"]
        .into_iter()
        .chain(
            name.map(|_| ["name", "environment", "kind", "strategy"])
                .into_iter()
                .flatten(),
        )
        .map(
            |field| view! { <input type="hidden" name=field value=state.value(field).unwrap_or_default() /> },
        )
        .collect_view();
    form_page(
        title,
        lead,
        state.clone(),
        view! {
            {kept}
            {subject::naming(view, state, name.is_some())}
            {subject::at_the_issuer(state, name.is_some())}
            {consumers(view, state)}
            {policy::timing(state)}
            {policy::watching(state)}
            {name.map(|_| holding(state))}
            {subject::overriding(view, state)}
            <div class="form__end">
                <button class="button button--primary" type="submit">
                    {save}
                </button>
                <a class="button button--quiet" href=back>
                    "Cancel"
                </a>
            </div>
        }
        .into_any(),
    )
}

fn consumers(view: &CredentialFormView, state: &FormState) -> AnyView {
    const HINT: &str = "They may fetch it, and a rotation waits for their instances. Whoever uses it without being named here is cut off when the old version is retired.";
    let environment = state.value("environment").unwrap_or_default();
    let fitting: Vec<_> = view
        .consumers
        .iter()
        .filter(|consumer| consumer.environment == environment)
        .collect();
    let field = if view.consumers.is_empty() {
        view! {
            <p class="lack">
                "There is no consumer yet. " <a href="/consumers/new">"Add one"</a> " and name it here later."
            </p>
        }
        .into_any()
    } else if fitting.len() > TICKED || fitting.is_empty() {
        view! {
            <TextArea
                state=state.clone()
                name="consumers"
                label="Consumers"
                hint=format!("{HINT} Names, one on each line.")
                rows=6
            />
        }
        .into_any()
    } else {
        let choices = fitting
            .into_iter()
            .map(|consumer| {
                Choice::new(
                    &consumer.name,
                    &consumer.name,
                    &format!("service {}", consumer.service),
                )
            })
            .collect();
        view! { <CheckboxList state=state.clone() name="consumers" label="Consumers" hint=HINT choices /> }
            .into_any()
    };
    view! { {group("Who uses it", "", view! {{field}}.into_any())} }.into_any()
}

fn holding(state: &FormState) -> AnyView {
    view! {
        {group("Hold the schedule", "", view! {
            <Field
                state=state.clone()
                name="schedule_hold"
                label="Why it does not rotate by itself for now"
                hint="While a reason stands here, only a person starts a rotation. Clear it to lift the hold."
                autocomplete="off"
            />
        }.into_any())}
    }
    .into_any()
}
