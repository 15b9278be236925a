//! Changing a key: who owns it, and its policy. Its name, algorithm and class stay for good.

use leptos::prelude::*;

use super::{description, tags};
use crate::components::field::{Checkbox, Field, TextArea};
use crate::components::form_page::{form_page, group};
use crate::components::frame::{Crumb, Place};
use crate::components::states::ErrorState;
use crate::form::FormState;
use crate::pages::{Heading, page, parameter};
use crate::reader::ReadError;
use crate::views::key::{KeyFormView, PresentKey};
use crate::words;

#[component]
pub fn EditKeyPage() -> impl IntoView {
    let name = parameter("name");
    let mut heading = Heading::new(Place::Keys, "Change").below("Keys", "/keys");
    heading.crumbs.push(Crumb {
        label: name.clone(),
        address: format!("/keys/{}", words::segment(&name)),
    });
    page(
        heading,
        move |reader| async move { reader.key_form(Some(&name)).await },
        |view: KeyFormView, _| match view.present.clone() {
            Some(present) => draw(&view, &present),
            None => view! { <ErrorState error=ReadError::NotFound /> }.into_any(),
        },
    )
}

fn draw(view: &KeyFormView, present: &PresentKey) -> AnyView {
    let state = FormState::current().or_values(present.values.clone());
    let back = format!("/keys/{}", words::segment(&present.name));
    form_page(
        format!("Change {}", present.name),
        format!(
            "What follows applies on every replica within a second. {} stay for good: for others make a new key and re-encrypt to it.",
            present.fixed
        ),
        state.clone(),
        view! {
            <input type="hidden" name="revision" value=state.value("revision") />
            {group("What it is", "", description(view, &state))}
            {group("Rotation", "", rotation(&state))}
            {group("What it opens", "", minimum(present, &state))}
            {group("Who may use it", "", callers(present, &state))}
            <div class="form__end">
                <button class="button button--primary" type="submit">
                    "Store the change"
                </button>
                <a class="button button--quiet" href=back>
                    "Cancel"
                </a>
            </div>
        }
        .into_any(),
    )
}

fn rotation(state: &FormState) -> AnyView {
    let state = || state.clone();
    view! {
        <div class="form__row form__row--three">
            <Field
                state=state()
                name="rotate_every"
                label="Replaced every"
                hint="Such as 90 days. Blank: only people replace it."
                autocomplete="off"
            />
            <Field
                state=state()
                name="grace"
                label="Grace"
                hint="Unopened so long, it is drained."
                required=true
                autocomplete="off"
            />
            <Field
                state=state()
                name="max_uses"
                label="Uses at most"
                hint="At most 2,147,483,648."
                required=true
                autocomplete="off"
            />
        </div>
    }
    .into_any()
}

fn minimum(present: &PresentKey, state: &FormState) -> AnyView {
    let hint = format!(
        "Older versions open nothing for callers from then on. The newest is version {}.",
        present.newest_version
    );
    view! {
        <Field
            state=state.clone()
            name="minimum_decryption_version"
            label="Opens from version"
            hint=hint
            required=true
            autocomplete="off"
        />
    }
    .into_any()
}

fn callers(present: &PresentKey, state: &FormState) -> AnyView {
    let own = state.clone();
    let export = if present.exportable {
        let own = state.clone();
        view! {
            <Checkbox
                state=own
                name="exportable"
                label="Its material may be exported, wrapped"
                hint="Taken away, it cannot be given back."
            />
        }
        .into_any()
    } else {
        view! { <p class="form__text">"Its material never leaves; that cannot be changed."</p> }.into_any()
    };
    view! {
        <TextArea
            state=own
            name="callers"
            label="Callers"
            hint="Names of programs, consumers or people, a line each. Nobody named: those whom its class admits."
        />
        {export}
        {tags(state)}
    }
    .into_any()
}
