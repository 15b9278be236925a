//! What the credential is, and what stands for it at the issuer.

use api::issuer::KIND_POSTGRESQL;
use leptos::prelude::*;

use crate::components::choice::{Choice, RadioList, Suggestions};
use crate::components::field::{Checkbox, Field, Select, TextArea};
use crate::components::form_page::group;
use crate::form::FormState;
use crate::views::credential::CredentialFormView;

fn is_database(state: &FormState) -> bool {
    state
        .value("issuer_kind")
        .is_some_and(|kind| kind == KIND_POSTGRESQL)
}

fn choices(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(value, words)| ((*value).to_owned(), (*words).to_owned()))
        .collect()
}

pub(super) fn naming(view: &CredentialFormView, state: &FormState, is_change: bool) -> AnyView {
    let sensitivities = choices(&[
        ("low", "low: an annoyance"),
        ("medium", "medium: work stands still"),
        ("high", "high: customers are harmed"),
        ("critical", "critical: the company is harmed"),
    ]);
    view! {
        {group("What it is", "", view! {
            {(!is_change).then(|| identity(state))}
            <TextArea
                state=state.clone()
                name="purpose"
                label="Purpose"
                hint="What it opens, and what stands still without it."
                required=true
                rows=2
            />
            <div class="form__row">
                <Field
                    state=state.clone()
                    name="owner_team"
                    label="Owner"
                    hint="The team that is asked. Without one it needs a person."
                    autocomplete="off"
                    list="teams"
                />
                <Field
                    state=state.clone()
                    name="backup_contact"
                    label="Backup contact"
                    hint="When the owner does not answer."
                    autocomplete="off"
                />
            </div>
            <Suggestions id="teams" values=view.teams.clone() />
            <div class="form__row">
                <Select
                    state=state.clone()
                    name="sensitivity"
                    label="Sensitivity"
                    hint="How much harm a leak does."
                    choices=sensitivities
                    required=true
                />
                <Field
                    state=state.clone()
                    name="review_every"
                    label="Review every"
                    hint="When somebody asks whether it is still needed, such as 180 days."
                    autocomplete="off"
                />
            </div>
            <Field state=state.clone() name="tags" label="Tags" hint="Parted by commas, such as pci, orders." autocomplete="off" />
        }.into_any())}
    }
    .into_any()
}

/// What cannot be changed later.
fn identity(state: &FormState) -> AnyView {
    let kinds = if is_database(state) {
        choices(&[("database_password", "database password")])
    } else {
        choices(&[("api_key", "API key"), ("token", "token"), ("other", "other")])
    };
    view! {
        <Field
            state=state.clone()
            name="name"
            label="Name"
            hint="Lower-case letters, digits, dots, hyphens and underscores, such as orders-app. Programs ask for it by this name; it cannot be changed later."
            required=true
            autocomplete="off"
        />
        <div class="form__row">
            <Select state=state.clone() name="kind" label="Kind" choices=kinds required=true />
            <Field
                state=state.clone()
                name="environment"
                label="Environment"
                hint="The same as its issuer's."
                required=true
                autocomplete="off"
            />
        </div>
    }
    .into_any()
}

pub(super) fn at_the_issuer(state: &FormState, is_change: bool) -> AnyView {
    let content = if is_database(state) {
        postgresql(state, is_change)
    } else {
        other(state)
    };
    view! { {group("At the issuer", "", view! {{(!is_change).then(|| strategy(state))} {content}}.into_any())} }.into_any()
}

fn strategy(state: &FormState) -> AnyView {
    let choices = if is_database(state) {
        vec![
            Choice::new(
                "alternating",
                "Two logins in turn",
                "The old login works until the new one has proven itself. Needs a role that holds the privileges.",
            ),
            Choice::new(
                "in_place",
                "One login, its password replaced",
                "When the login's name cannot change. Each instance may be refused once, until its next refresh.",
            ),
        ]
    } else {
        vec![Choice::new(
            "dual",
            "Two keys at once",
            "The old key works until the new one has proven itself.",
        )]
    };
    view! { <RadioList state=state.clone() name="strategy" label="How versions follow each other" choices /> }
        .into_any()
}

fn postgresql(state: &FormState, is_change: bool) -> AnyView {
    let has_probe = state.error("forbidden_probe").is_some()
        || state
            .value("forbidden_probe")
            .is_some_and(|text| !text.is_empty());
    view! {
        <Field
            state=state.clone()
            name="role"
            label="Role"
            hint="Two logins in turn: the existing role that holds the privileges; the logins are called role_a and role_b. One login: the login itself."
            required=true
            autocomplete="off"
        />
        <details class="more" open=has_probe>
            <summary>"What a new version must be able to do"</summary>
            <div class="form__row">
                <Field
                    state=state.clone()
                    name="probe"
                    label="It may"
                    hint="One SQL statement that must work. It runs with every new version."
                    autocomplete="off"
                />
                <Field
                    state=state.clone()
                    name="forbidden_probe"
                    label="It must be refused"
                    hint="One SQL statement that must be refused for lack of privilege."
                    autocomplete="off"
                />
            </div>
        </details>
        {(!is_change).then(|| adopting(state))}
    }
    .into_any()
}

fn adopting(state: &FormState) -> AnyView {
    let is_open = state.value("adopt").is_some_and(|text| text == "true");
    view! {
        <details class="more" open=is_open>
            <summary>"Programs already use a login: adopt it"</summary>
            <Checkbox
                state=state.clone()
                name="adopt"
                label="Begin with the login below as version 1"
                hint="Nothing changes for the programs that use it. It must be a member of the role and own nothing. Its first rotation waits until an instance of every consumer has fetched it from Rota."
            />
            <div class="form__row">
                <Field state=state.clone() name="initial_username" label="Login in use" autocomplete="off" />
                <Field
                    state=state.clone()
                    name="initial_password"
                    label="Its password"
                    kind="password"
                    autocomplete="new-password"
                />
            </div>
        </details>
    }
    .into_any()
}

fn other(state: &FormState) -> AnyView {
    view! {
        <TextArea
            state=state.clone()
            name="config"
            label="Further settings"
            hint="An object in JSON, where the issuer's requests use variables, such as {\"variables\": {\"scope\": \"read\"}}. Usually blank."
            rows=3
        />
    }
    .into_any()
}

pub(super) fn overriding(view: &CredentialFormView, state: &FormState) -> AnyView {
    if !view.may_administer {
        return ().into_any();
    }
    let privileged = is_database(state).then(|| {
        view! {
            <Checkbox
                state=state.clone()
                name="allow_privileged_role"
                label="Accept a role that may do more than it should"
                hint="A superuser, a role that may create roles or databases, or one that passes row security."
            />
        }
    });
    let is_open = ["allow_privileged_role", "override_reason"]
        .iter()
        .any(|name| state.error(name).is_some() || state.value(name).is_some_and(|text| !text.is_empty()));
    view! {
        <details class="more" open=is_open>
            <summary>"Override a rule"</summary>
            {group("Override a rule", "A finding stays until it is mended, and the reason stands in the audit trail.", view! {
                {privileged} <Field state=state.clone() name="override_reason" label="Why this is accepted" autocomplete="off" />
            }.into_any())}
        </details>
    }
    .into_any()
}
