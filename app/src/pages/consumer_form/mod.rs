//! Adding a consumer, with its token shown once, and changing one.

use leptos::prelude::*;

use super::consumer::usage::usage;
use super::{Heading, page, parameter};
use crate::components::choice::Suggestions;
use crate::components::field::{Field, TextArea};
use crate::components::form_page::{form_page, group};
use crate::components::frame::{Crumb, Place};
use crate::components::sentence::Sentence;
use crate::components::shown_once::OnceNotice;
use crate::components::states::ErrorState;
use crate::form::{FormState, OnceKind, ShownOnce};
use crate::forms::{ConsumerForm, Form};
use crate::reader::ReadError;
use crate::views::consumer::ConsumerFormView;
use crate::words;

#[component]
pub fn NewConsumerPage() -> impl IntoView {
    page(
        Heading::new(Place::Consumers, "Add a consumer").below("Consumers", "/consumers"),
        |reader| async move { reader.consumer_form(None).await },
        |view: ConsumerFormView, _| match ShownOnce::of_kind(OnceKind::ConsumerToken) {
            Some(once) => created(&once.name, &view.server_url),
            None if !view.may_operate => forbidden(),
            None => {
                let blank = ConsumerForm::default().values();
                draw(&view, &FormState::current().or_values(blank), None)
            }
        },
    )
}

#[component]
pub fn EditConsumerPage() -> impl IntoView {
    let name = parameter("name");
    let mut heading = Heading::new(Place::Consumers, "Change").below("Consumers", "/consumers");
    heading.crumbs.push(Crumb {
        label: name.clone(),
        address: format!("/consumers/{}", words::segment(&name)),
    });
    let asked = name.clone();
    page(
        heading,
        move |reader| async move { reader.consumer_form(Some(&asked)).await },
        move |view: ConsumerFormView, _| {
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

/// The reply to the POST that made it.
fn created(name: &str, server_url: &str) -> AnyView {
    let address = format!("/consumers/{}", words::segment(name));
    view! {
        <Sentence>{format!("{name} can fetch credentials as soon as one names it.")}</Sentence>
        <OnceNotice kind=OnceKind::ConsumerToken />
        {usage(name, &[], server_url)}
        <p class="form__end">
            <a class="button button--primary" href=address>
                "I have kept the token: go to the consumer"
            </a>
            <a class="button" href="/credentials/new">
                "Add a credential for it"
            </a>
        </p>
    }
    .into_any()
}

fn draw(view: &ConsumerFormView, state: &FormState, name: Option<&str>) -> AnyView {
    let (title, lead, save) = match name {
        Some(name) => (
            format!("Change {name}"),
            "Its tokens and what it may fetch stay as they are.",
            "Store the change",
        ),
        None => (
            "Add a consumer".to_owned(),
            "It gets a token of its own, shown once on the next page. It can fetch only the credentials that name it.",
            "Add the consumer and show its token",
        ),
    };
    let back = name.map_or("/consumers".to_owned(), |name| {
        format!("/consumers/{}", words::segment(name))
    });
    let naming = match name {
        Some(name) => view! { <input type="hidden" name="name" value=name.to_owned() /> }.into_any(),
        None => view! {
            <Field
                state=state.clone()
                name="name"
                label="Name"
                hint="Lower-case letters, digits, dots, hyphens and underscores, such as checkout. It cannot be changed later."
                required=true
                autocomplete="off"
            />
        }
        .into_any(),
    };
    form_page(title, lead, state.clone(), view! {
            {state.value("revision").filter(|text| !text.is_empty()).map(|revision| view! { <input type="hidden" name="revision" value=revision /> })}
            {group("Which program it is", "", view! {
                {naming}
                <Field
                    state=state.clone()
                    name="service"
                    label="Service"
                    hint="Consumers of one service are drawn together when a rotation moves through the fleet."
                    required=true
                    autocomplete="off"
                />
                <Field
                    state=state.clone()
                    name="environment"
                    label="Environment"
                    hint="The same as that of the credentials it fetches."
                    required=true
                    autocomplete="off"
                    list="environments"
                />
                <Suggestions id="environments" values=view.environments.clone() />
                <TextArea
                    state=state.clone()
                    name="labels"
                    label="Labels"
                    hint="One on each line, as key=value, such as region=eu-central-1."
                    rows=3
                />
            }.into_any())}
            <div class="form__end">
                <button class="button button--primary" type="submit">
                    {save}
                </button>
                <a class="button button--quiet" href=back>
                    "Cancel"
                </a>
            </div>
        }.into_any())
}
