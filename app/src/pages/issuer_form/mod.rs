//! Adding an issuer and changing one; "Test connection" tries what is typed and stores nothing.

mod http_api_key;
mod postgresql;

use api::issuer::{KIND_HTTP_API_KEY, KIND_POSTGRESQL};
use leptos::prelude::*;

use super::{Heading, page, parameter, query};
use crate::components::choice::Suggestions;
use crate::components::field::Field;
use crate::components::form_page::{form_page, group};
use crate::components::frame::{Crumb, Place};
use crate::components::sentence::Sentence;
use crate::components::states::ErrorState;
use crate::form::FormState;
use crate::forms::{Form, IssuerForm};
use crate::reader::ReadError;
use crate::views::issuer::IssuerFormView;
use crate::words;

#[component]
pub fn NewIssuerPage() -> impl IntoView {
    let kind = FormState::current().value("kind").or_else(|| query("kind"));
    page(
        Heading::new(Place::Issuers, "Add an issuer").below("Issuers", "/issuers"),
        |reader| async move { reader.issuer_form(None).await },
        move |view: IssuerFormView, _| match kind.as_deref() {
            _ if !view.may_administer => forbidden(),
            Some(kind @ (KIND_POSTGRESQL | KIND_HTTP_API_KEY)) => {
                let blank = IssuerForm::blank(kind).values();
                let state = FormState::current().or_values(blank);
                draw(&view, &state, None)
            }
            _ => choose_kind(),
        },
    )
}

#[component]
pub fn EditIssuerPage() -> impl IntoView {
    let name = parameter("name");
    let mut heading = Heading::new(Place::Issuers, "Change").below("Issuers", "/issuers");
    heading.crumbs.push(Crumb {
        label: name.clone(),
        address: format!("/issuers/{}", words::segment(&name)),
    });
    let asked = name.clone();
    page(
        heading,
        move |reader| async move { reader.issuer_form(Some(&asked)).await },
        move |view: IssuerFormView, _| {
            if !view.may_administer {
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

fn choose_kind() -> AnyView {
    let choice = |kind: &'static str, title: &'static str, text: &'static str| {
        view! {
            <li>
                <a class="way" href=super::address("/issuers/new", [("kind", Some(kind))])>
                    <strong class="way__title">{title}</strong>
                    <span class="way__text">{text}</span>
                </a>
            </li>
        }
    };
    view! {
        <Sentence>"Which system accepts the credentials?"</Sentence>
        <ul class="ways">
            {choice(
                KIND_POSTGRESQL,
                "PostgreSQL",
                "Rota makes two logins for a role and uses them in turn, or replaces the password of one login.",
            )}
            {choice(
                KIND_HTTP_API_KEY,
                "A service with API keys",
                "Any service that can create, list and revoke keys over HTTP and accepts two at once. You describe its requests.",
            )}
        </ul>
    }
    .into_any()
}

fn draw(view: &IssuerFormView, state: &FormState, name: Option<&str>) -> AnyView {
    let kind = state.value("kind").unwrap_or_default();
    let is_http = kind == KIND_HTTP_API_KEY;
    let title = match (name, is_http) {
        (Some(name), _) => format!("Change how {name} is reached"),
        (None, true) => "Add a service with API keys".into(),
        (None, false) => "Add a PostgreSQL server".into(),
    };
    let lead = if name.is_some() {
        "The new way is tried before it is stored. If it does not work, nothing changes. Credentials in use are not touched."
    } else {
        "Rota signs in once to see that it works. Nothing is created there until a credential is rotated."
    };
    let settings = if is_http {
        http_api_key::settings(state)
    } else {
        postgresql::settings(state)
    };
    let administrator = if is_http {
        http_api_key::administrator(state, name.is_some())
    } else {
        postgresql::administrator(state, name.is_some())
    };
    form_page(title, lead, state.clone(), view! {
            <input type="hidden" name="kind" value=kind />
            {state.value("revision").filter(|text| !text.is_empty()).map(|revision| view! { <input type="hidden" name="revision" value=revision /> })}
            {naming(view, state, name)}
            {settings}
            {administrator}
            {overriding(state)}
            {buttons(name)}
        }.into_any())
}

fn naming(view: &IssuerFormView, state: &FormState, name: Option<&str>) -> AnyView {
    let naming = match name {
        Some(name) => view! { <input type="hidden" name="name" value=name.to_owned() /> }.into_any(),
        None => view! {
            <Field
                state=state.clone()
                name="name"
                label="Name"
                hint="Lower-case letters, digits, dots, hyphens and underscores, such as orders-db. It cannot be changed later."
                required=true
                autocomplete="off"
            />
        }
        .into_any(),
    };
    view! {
        {group("What it is called", "", view! {
            {naming}
            <Field
                state=state.clone()
                name="environment"
                label="Environment"
                hint="Freezes and filters go by it: production, staging …"
                required=true
                autocomplete="off"
                list="environments"
            />
            <Suggestions id="environments" values=view.environments.clone() />
        }.into_any())}
    }
    .into_any()
}

fn overriding(state: &FormState) -> AnyView {
    view! {
        {group("If a rule has to bend", "Fill this in only when you override a rule above. The reason stands in the audit trail, and a finding stays until it is mended.", view! {
            <Field state=state.clone() name="override_reason" label="Why this is accepted" autocomplete="off" />
        }.into_any())}
    }
    .into_any()
}

fn buttons(name: Option<&str>) -> AnyView {
    let save = if name.is_some() {
        "Test and store the change"
    } else {
        "Test and add the issuer"
    };
    let back = name.map_or("/issuers".to_owned(), |name| {
        format!("/issuers/{}", words::segment(name))
    });
    view! {
        <div class="form__end">
            <button class="button button--primary" type="submit" name="intent" value="save">
                {save}
            </button>
            <button class="button" type="submit" name="intent" value="test">
                "Test connection only"
            </button>
            <a class="button button--quiet" href=back>
                "Cancel"
            </a>
        </div>
    }
    .into_any()
}
