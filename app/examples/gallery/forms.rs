//! What forms are drawn from, and how they come back when they are refused.

use std::sync::Arc;

use api::issuer::{KIND_HTTP_API_KEY, KIND_POSTGRESQL};
use app::form::{FormState, OnceKind, ShownOnce};
use app::forms::{ConsumerForm, CredentialForm, Form, IssuerForm, Values};
use app::views::consumer::ConsumerFormView;
use app::views::credential::{ConsumerChoice, CredentialFormView, IssuerChoice};
use app::views::issuer::IssuerFormView;

use crate::fixtures::Scene;

fn environments() -> Vec<String> {
    ["production", "staging", "sandbox"].map(str::to_owned).to_vec()
}

pub(crate) fn issuer(scene: Scene, name: Option<&str>) -> IssuerFormView {
    let present = name.map(|name| {
        let kind = if name.contains("stripe") {
            KIND_HTTP_API_KEY
        } else {
            KIND_POSTGRESQL
        };
        let mut form = IssuerForm::blank(kind);
        form.name = name.to_owned();
        form.environment = "production".into();
        form.host = "10.0.0.7".into();
        form.database = "orders".into();
        form.base_url = "https://api.stripe.example".into();
        form.revision = "4".into();
        form.values()
    });
    IssuerFormView {
        present,
        environments: environments(),
        may_administer: scene != Scene::Empty,
    }
}

pub(crate) fn consumer(scene: Scene, name: Option<&str>) -> ConsumerFormView {
    let present = name.map(|name| {
        let form = ConsumerForm {
            name: name.to_owned(),
            service: scene.person("checkout"),
            environment: "production".into(),
            labels: "region=eu-central-1\ntier=1".into(),
            revision: "2".into(),
        };
        form.values()
    });
    ConsumerFormView {
        present,
        environments: environments(),
        server_url: "https://rota.example".into(),
        may_operate: scene != Scene::Empty,
    }
}

pub(crate) fn credential(scene: Scene, name: Option<&str>) -> CredentialFormView {
    let present = name.map(|name| {
        let mut form = CredentialForm::blank("orders-db", KIND_POSTGRESQL, "production");
        form.name = name.to_owned();
        form.purpose = "Reads and writes orders; checkout stands still without it.".into();
        form.owner_team = scene.person("Orders");
        form.role = "orders".into();
        form.consumers = vec![scene.name("checkout"), scene.name("returns")];
        form.values()
    });
    let issuer = |name: &str, kind: &str, environment: &str, address: &str| IssuerChoice {
        name: scene.name(name),
        kind: kind.into(),
        environment: environment.into(),
        address: address.into(),
    };
    let mut issuers = vec![
        issuer(
            "orders-db",
            KIND_POSTGRESQL,
            "production",
            "10.0.0.7:5432, orders",
        ),
        issuer("ledger-db", KIND_POSTGRESQL, "staging", "10.0.0.9:5432, ledger"),
        issuer(
            "stripe",
            KIND_HTTP_API_KEY,
            "production",
            "https://api.stripe.example",
        ),
    ];
    if scene == Scene::Empty {
        issuers.clear();
    }
    let names = ["checkout", "fulfilment", "returns", "orders-report"];
    let consumers = (0..scene.of(4, 800))
        .map(|index| {
            let plain = names[index as usize % names.len()];
            ConsumerChoice {
                name: if index < 4 {
                    scene.name(plain)
                } else {
                    format!("{plain}-{index}")
                },
                service: plain.to_owned(),
                environment: if index % 4 == 3 { "staging" } else { "production" }.into(),
            }
        })
        .collect();
    CredentialFormView {
        present,
        issuers,
        consumers,
        teams: vec![scene.person("Orders"), "Payments".into()],
        may_operate: true,
        may_administer: true,
    }
}

/// A refused POST to one of these pages.
pub(crate) fn refused(path: &str, query: &str) -> Option<FormState> {
    let is_http = query.contains(KIND_HTTP_API_KEY);
    let rule = |pointer: &str, words: &str| (pointer.to_owned(), words.to_owned());
    match path {
        "/issuers/new" if query.contains("tested") => {
            let mut form = IssuerForm::blank(KIND_POSTGRESQL);
            form.name = "orders-db".into();
            form.host = "10.0.0.7".into();
            form.environment = "production".into();
            form.database = "orders".into();
            form.username = "rota_admin".into();
            Some(FormState {
                values: form.values(),
                notice: Some("Signed in: PostgreSQL 15.8, role rota_admin. Nothing was saved; type the password again to add the issuer.".into()),
                ..FormState::default()
            })
        }
        "/issuers/new" => {
            let kind = if is_http {
                KIND_HTTP_API_KEY
            } else {
                KIND_POSTGRESQL
            };
            let mut form = IssuerForm::blank(kind);
            form.name = "Orders DB".into();
            form.host = "10.0.0.7".into();
            let rules = [
                rule(
                    "/name",
                    "a name starts with a letter a-z or a digit, not with `O`",
                ),
                rule(
                    "/config/sslmode",
                    "disable sends everything in plain text over the network",
                ),
                rule("/config/create/path", "a path starts with /"),
                rule(
                    "/admin",
                    "the issuer refused the login: password authentication failed for user \"rota_admin\"",
                ),
            ];
            Some(app::forms::refused::<IssuerForm>(form.values(), rules))
        }
        "/credentials/new" => {
            let mut form = CredentialForm::blank("orders-db", KIND_POSTGRESQL, "production");
            form.name = "orders-app".into();
            form.waves = "25, 5".into();
            form.adopt = "true".into();
            let rules = [
                rule("/policy/waves", "must rise, each between 1 and 100"),
                rule("/purpose", "say what it is for"),
                rule(
                    "/initial",
                    "login orders owns tables; run: reassign owned by orders to app",
                ),
                rule("/consumers/0", "there is no consumer `a`"),
            ];
            Some(app::forms::refused::<CredentialForm>(form.values(), rules))
        }
        "/consumers/new" => {
            let form = ConsumerForm {
                labels: "broken".into(),
                ..ConsumerForm::default()
            };
            form.to_request().err().map(|errors| errors.state(form.values()))
        }
        "/settings" => Some(FormState {
            values: Values::from([
                ("action".into(), "freeze".into()),
                ("until".into(), "tomorrow".into()),
            ]),
            errors: Values::from([
                (
                    "reason".into(),
                    "Say why: the reason is shown on every page while the freeze is on.".into(),
                ),
                (
                    "until".into(),
                    "Write a date and a time in UTC, such as 2026-11-21 14:30.".into(),
                ),
            ]),
            problem: Some("Nothing was changed. 2 fields need another value.".into()),
            notice: None,
        }),
        _ => None,
    }
}

/// A secret as it is shown once, after a POST to one of these pages.
pub(crate) fn shown_once(path: &str) -> ShownOnce {
    let (name, what, secret) = match path {
        "/settings" => (
            "prometheus",
            OnceKind::ProgramToken,
            "rota_a_4fK2mZ8qT1vXw6yB9cDnEr3sHjLpUgQa7oVi5tYe0Rk",
        ),
        _ => (
            "checkout",
            OnceKind::ConsumerToken,
            "rota_c_4fK2mZ8qT1vXw6yB9cDnEr3sHjLpUgQa7oVi5tYe0Rk",
        ),
    };
    ShownOnce {
        name: name.into(),
        what,
        secret: Arc::new(api::Secret::new(secret)),
    }
}
