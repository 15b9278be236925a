//! Settings: what is frozen, who may enter, which programs may, and how this server runs.

mod freezes;
mod people;
mod programs;
mod server;

use leptos::prelude::*;

use super::{Heading, page};
use crate::components::form_page::FormProblems;
use crate::components::frame::Place;
use crate::components::sentence::Sentence;
use crate::form::FormState;
use crate::views::frame::Frame;
use crate::views::settings::SettingsView;
use crate::words;

#[component]
pub fn SettingsPage() -> impl IntoView {
    page(
        Heading::new(Place::Settings, "Settings"),
        |reader| async move { reader.settings().await },
        |view, frame| draw(&view, &frame),
    )
}

fn draw(view: &SettingsView, frame: &Frame) -> AnyView {
    let state = FormState::current();
    let heading = sentence(view);
    let prefix = prefix_of(&state);
    let administration = view.may_administer.then(|| {
        view! {
            {people::people(view, &state, frame)}
            {programs::programs(view, &state, frame)}
        }
    });
    let nobody = (!view.may_administer).then(|| {
        view! { <p class="lack">"Accounts and tokens of programs are shown to administrators."</p> }
    });
    view! {
        <Sentence>{heading}</Sentence>
        <FormProblems state=state.clone() id_prefix=prefix />
        <nav class="choices settings__ways" aria-label="Parts of this page">
            <a href="#freezes">"Freezes"</a>
            <a href="#you">"Your password"</a>
            {view.may_administer.then(|| view! { <a href="#people">"People"</a> <a href="#programs">"Programs"</a> })}
            <a href="#server">"Server"</a>
        </nav>
        {freezes::freezes(view, &state, frame)}
        {people::own_password(&state)}
        {administration}
        {nobody}
        {server::server(view, frame)}
    }
    .into_any()
}

/// The ids of a form's fields start with its action, because names such as `reason` stand on this page several times.
fn prefix_of(state: &FormState) -> &'static str {
    use crate::forms::{AccountForm, AccountUpdateForm, FreezeForm, PasswordForm, TokenForm};
    [
        AccountForm::ACTION,
        AccountUpdateForm::ACTION,
        FreezeForm::ACTION,
        PasswordForm::ACTION,
        TokenForm::ACTION,
    ]
    .into_iter()
    .find(|action| state.is_for(action))
    .unwrap_or_default()
}

/// "Nothing is frozen. 2 people and 1 program may enter."
fn sentence(view: &SettingsView) -> String {
    let frozen = match view.freezes.len() as u64 {
        0 => "Nothing is frozen.".to_owned(),
        number => format!(
            "{} {} on.",
            words::counted(number, "freeze"),
            words::choose(number, "is", "are")
        ),
    };
    let findings = match view.findings.len() as u64 {
        0 => String::new(),
        number => format!(
            " {} about the server {} open.",
            words::counted(number, "finding"),
            words::choose(number, "is", "are")
        ),
    };
    if !view.may_administer {
        return format!("{frozen}{findings}");
    }
    let people = view.people.iter().filter(|person| !person.disabled).count() as u64;
    format!(
        "{frozen}{findings} {} and {} may enter.",
        words::counted_as(people, "person", "people"),
        words::counted(view.tokens.len() as u64, "program")
    )
}
