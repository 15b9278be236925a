//! Registering a target, a place in which sealed values stand, and changing where it is or how one gets there.

use leptos::prelude::*;

use super::{Heading, page, parameter};
use crate::components::choice::{Choice, RadioList};
use crate::components::field::{Checkbox, Field, Select, TextArea};
use crate::components::form_page::{form_page, group};
use crate::components::frame::Place;
use crate::components::states::ErrorState;
use crate::form::FormState;
use crate::forms::Values;
use crate::reader::ReadError;
use crate::views::reencryption::{PresentTarget, TargetFormView, TargetKind};

#[component]
pub fn NewTargetPage() -> impl IntoView {
    page(
        Heading::new(Place::Keys, "Register a target")
            .below("Keys", "/keys")
            .below("Re-encryption", "/reencryptions"),
        |reader| async move { reader.target_form(None).await },
        |view, _| draw(&view),
    )
}

#[component]
pub fn EditTargetPage() -> impl IntoView {
    let name = parameter("name");
    page(
        Heading::new(Place::Keys, "Change a target")
            .below("Keys", "/keys")
            .below("Re-encryption", "/reencryptions"),
        move |reader| async move { reader.target_form(Some(&name)).await },
        |view: TargetFormView, _| match view.present.clone() {
            Some(present) => change(&view, &present),
            None => view! { <ErrorState error=ReadError::NotFound /> }.into_any(),
        },
    )
}

fn change(view: &TargetFormView, present: &PresentTarget) -> AnyView {
    let state = FormState::current().or_values(present.values.clone());
    form_page(
        format!("Change {}", present.name),
        format!(
            "{}: that stays. The new way is tried before it is stored, and nothing is changed while a job works there.",
            present.fixed
        ),
        state.clone(),
        view! {
            <input type="hidden" name="revision" value=state.value("revision") />
            {group("Where it is", "", view! { {credentials(view, &state)} {config(&state)} }.into_any())}
            {group("How it is sealed", "", sealing(&state))}
            <div class="form__end">
                <button class="button button--primary" type="submit">
                    "Store the change"
                </button>
                <a class="button button--quiet" href="/reencryptions">
                    "Cancel"
                </a>
            </div>
        }
        .into_any(),
    )
}

fn draw(view: &TargetFormView) -> AnyView {
    let first = view.kinds.first().copied().unwrap_or(TargetKind::Sqlite);
    let start = Values::from([
        ("kind".to_owned(), first.slug().to_owned()),
        ("config".to_owned(), first.example().to_owned()),
        ("encoding".to_owned(), "raw".to_owned()),
    ]);
    let state = FormState::current().or_values(start);
    form_page(
        "Register a target",
        "Rota reads the envelopes there, counts them by version, and rewrites them when asked. It never shows what they hold.",
        state.clone(),
        view! {
            {group("What stands there", "", what(view, &state))}
            {group("Where it is", "", place(view, &state))}
            {group("How it is sealed", "", sealing(&state))}
            <div class="form__end">
                <button class="button button--primary" type="submit">
                    "Register the target"
                </button>
                <a class="button button--quiet" href="/reencryptions">
                    "Not now"
                </a>
            </div>
        }
        .into_any(),
    )
}

fn named(first: &str, names: &[String]) -> Vec<(String, String)> {
    std::iter::once((String::new(), first.to_owned()))
        .chain(names.iter().map(|name| (name.clone(), name.clone())))
        .collect()
}

fn what(view: &TargetFormView, state: &FormState) -> AnyView {
    let keys = named("choose a key", &view.keys);
    let own = || state.clone();
    view! {
        <Field
            state=own()
            name="name"
            label="Name"
            hint="Lower-case letters, digits, dots and dashes."
            required=true
            autocomplete="off"
        />
        <div class="form__row">
            <Select state=own() name="key" label="Key" hint="Its values are sealed with it." choices=keys required=true />
            {credentials(view, state)}
        </div>
    }
    .into_any()
}

fn credentials(view: &TargetFormView, state: &FormState) -> AnyView {
    let choices = named("none: it needs no login", &view.credentials);
    view! {
        <Select
            state=state.clone()
            name="credential"
            label="Signs in with"
            hint="A credential of the catalog, so that Rota rotates it too."
            choices
        />
    }
    .into_any()
}

fn place(view: &TargetFormView, state: &FormState) -> AnyView {
    let kinds = view
        .kinds
        .iter()
        .map(|kind| Choice::new(kind.slug(), kind.word(), kind.remark()))
        .collect();
    let examples = view
        .kinds
        .iter()
        .map(|kind| {
            view! {
                <dt>{kind.word()}</dt>
                <dd>
                    <code>{kind.example()}</code>
                </dd>
            }
        })
        .collect_view();
    view! {
        <RadioList state=state.clone() name="kind" label="Kind" choices=kinds />
        {config(state)}
        <details class="more">
            <summary>"An example for each kind"</summary>
            <dl class="facts">{examples}</dl>
        </details>
    }
    .into_any()
}

fn config(state: &FormState) -> AnyView {
    view! {
        <TextArea
            state=state.clone()
            name="config"
            label="Where"
            hint="An object in JSON, without any secret."
            rows=6
            required=true
        />
    }
    .into_any()
}

fn sealing(state: &FormState) -> AnyView {
    let encodings = vec![
        Choice::new("raw", "Bytes", "The envelope as it is."),
        Choice::new("base64", "Base64", "Text, as the API gives it."),
    ];
    let state = || state.clone();
    view! {
        <RadioList state=state() name="encoding" label="Encoding" choices=encodings />
        <Field
            state=state()
            name="context"
            label="Context"
            hint="How the callers' context is made of a record, such as orders/{id}. New data keys need it, and it tells which record was read under an old version."
            autocomplete="off"
        />
        <Checkbox
            state=state()
            name="require_shadow"
            label="Moving data and rotating the key need a clean shadow run first"
            hint="A shadow run reads and seals everything in memory and keeps nothing."
        />
    }
    .into_any()
}
