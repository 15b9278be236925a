//! Accounts of people, and one's own password.

use leptos::prelude::*;

use crate::components::badge::{Badge, Tone};
use crate::components::field::{Checkbox, Field, Select};
use crate::components::moment::{Moment, Style};
use crate::components::panel::Panel;
use crate::components::shown_once::OnceNotice;
use crate::form::{FormState, OnceKind};
use crate::forms::{AccountForm, AccountUpdateForm, PasswordForm, SubjectForm};
use crate::views::frame::{Frame, Role};
use crate::views::settings::{PersonLine, SettingsView};

const PASSWORD_HINT: &str = "At least 15 characters; a sentence is easy to remember.";

pub(super) fn roles() -> Vec<(String, String)> {
    [
        (Role::Viewer, "viewer: sees everything but secrets"),
        (Role::Operator, "operator: rotates, holds, approves, freezes"),
        (
            Role::Administrator,
            "administrator: also issuers, accounts and tokens",
        ),
    ]
    .map(|(role, words)| (role.word().to_owned(), words.to_owned()))
    .to_vec()
}

pub(super) fn people(view: &SettingsView, state: &FormState, frame: &Frame) -> AnyView {
    let rows = view
        .people
        .iter()
        .map(|person| row(person, state, frame))
        .collect_view();
    let add = add(state);
    view! {
        <div id="people">
            <Panel title="People" aside="who may sign in, and what each may do">
                <OnceNotice kind=OnceKind::SignInLink />
                <ul class="needs">{rows}</ul>
                {add}
            </Panel>
        </div>
    }
    .into_any()
}

fn row(person: &PersonLine, state: &FormState, frame: &Frame) -> AnyView {
    let now = frame.now;
    let is_you = person.name == frame.viewer.name;
    let seen = match person.last_sign_in {
        Some(at) => view! { "signed in " <Moment at style=Style::Relative now /> }.into_any(),
        None => "has not signed in yet".into_any(),
    };
    let opens = if person.has_password {
        ""
    } else {
        ", only by a sign-in link"
    };
    let disabled = person
        .disabled
        .then(|| view! { " " <Badge tone=Tone::Neutral word="disabled" /> });
    let shown_name =
        (person.display_name != person.name).then(|| view! { " " <bdi>{person.display_name.clone()}</bdi> });
    view! {
        <li class="need">
            <div class="need__what">
                <p class="need__text">
                    <bdi class="mono">{person.name.clone()}</bdi>
                    {shown_name}
                    {is_you.then_some(" (you)")}
                    {disabled}
                </p>
                <p class="need__who">{person.role.word()} ", " {seen} {opens}</p>
            </div>
            <div class="subject__actions">
                {(!person.disabled).then(|| link(person))}
                {change(person, state)}
            </div>
        </li>
    }
    .into_any()
}

fn link(person: &PersonLine) -> AnyView {
    view! {
        <form method="post" action="/settings">
            <input type="hidden" name="action" value=SubjectForm::SIGN_IN_LINK />
            <input type="hidden" name="id" value=person.name.clone() />
            <button class="button" type="submit">
                "Make a sign-in link"
            </button>
        </form>
    }
    .into_any()
}

fn change(person: &PersonLine, state: &FormState) -> AnyView {
    let is_open =
        state.is_for(AccountUpdateForm::ACTION) && state.value("id").as_deref() == Some(person.name.as_str());
    let state = if is_open {
        state.clone()
    } else {
        FormState::default()
    };
    let ending = person.name.clone();
    view! {
        <details class="ask" open=is_open>
            <summary class="button">"Change"</summary>
            <div class="ask__sheet stack">
                <form class="form" method="post" action="/settings">
                    <input type="hidden" name="action" value=AccountUpdateForm::ACTION />
                    <input type="hidden" name="id" value=person.name.clone() />
                    <p class="ask__effect">"A lower role, a new password or disabling ends this person's sessions."</p>
                    <Select
                        state=state.clone()
                        name="role"
                        id_prefix=format!("change-{}", person.name)
                        label="Role"
                        choices=roles()
                        value=person.role.word()
                        required=true
                    />
                    <Field
                        state=state.clone()
                        name="password"
                        id_prefix=format!("change-{}", person.name)
                        label="New password"
                        hint=PASSWORD_HINT
                        kind="password"
                        autocomplete="new-password"
                    />
                    <Checkbox
                        state
                        name="disabled"
                        id_prefix=format!("change-{}", person.name)
                        label="Disabled"
                        hint="Nobody can sign in with it; its history stays."
                        checked=person.disabled
                    />
                    <button class="button button--primary" type="submit">
                        "Store the change"
                    </button>
                </form>
                <form class="form" method="post" action="/settings">
                    <input type="hidden" name="action" value=SubjectForm::END_SESSIONS />
                    <input type="hidden" name="id" value=ending />
                    <button class="button button--grave" type="submit">
                        "Sign this person out everywhere"
                    </button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

fn add(state: &FormState) -> AnyView {
    const ACTION: &str = AccountForm::ACTION;
    let is_open = state.is_for(ACTION);
    let state = state.of_action(ACTION);
    view! {
        <details class="more" open=is_open>
            <summary>"Add a person"</summary>
            <form class="form" method="post" action="/settings">
                <input type="hidden" name="action" value=ACTION />
                <div class="form__row">
                    <Field
                        state=state.clone()
                        name="name"
                        id_prefix=ACTION
                        label="Name to sign in with"
                        hint="Lower-case letters, digits, dots, hyphens and underscores."
                        required=true
                        autocomplete="off"
                    />
                    <Field state=state.clone() name="display_name" id_prefix=ACTION label="Full name" autocomplete="off" />
                </div>
                <Select
                    state=state.clone()
                    name="role"
                    id_prefix=ACTION
                    label="Role"
                    choices=roles()
                    value="viewer"
                    required=true
                />
                <Field
                    state
                    name="password"
                    id_prefix=ACTION
                    label="Password"
                    hint=format!("{PASSWORD_HINT} Left blank, only a sign-in link opens the account.")
                    kind="password"
                    autocomplete="new-password"
                />
                <div class="form__end">
                    <button class="button button--primary" type="submit">
                        "Add the person"
                    </button>
                </div>
            </form>
        </details>
    }
    .into_any()
}

pub(super) fn own_password(state: &FormState) -> AnyView {
    const ACTION: &str = PasswordForm::ACTION;
    let is_open = state.is_for(ACTION);
    let state = state.of_action(ACTION);
    view! {
        <div id="you">
            <Panel title="Your password">
                <details class="more" open=is_open>
                    <summary>"Change it"</summary>
                    <form class="form" method="post" action="/settings">
                        <input type="hidden" name="action" value=ACTION />
                        <p class="ask__effect">"Your other sessions end; this one goes on."</p>
                        <Field
                            state=state.clone()
                            name="present"
                            id_prefix=ACTION
                            label="Present password"
                            hint="Left blank if you came by a link and never had one."
                            kind="password"
                            autocomplete="current-password"
                        />
                        <Field
                            state
                            name="new"
                            id_prefix=ACTION
                            label="New password"
                            hint=PASSWORD_HINT
                            kind="password"
                            required=true
                            autocomplete="new-password"
                        />
                        <div class="form__end">
                            <button class="button button--primary" type="submit">
                                "Change my password"
                            </button>
                        </div>
                    </form>
                </details>
            </Panel>
        </div>
    }
    .into_any()
}
