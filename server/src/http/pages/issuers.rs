//! Forms of the issuers' pages.

use app::form::FormState;
use app::forms::{Form, Intent, IssuerForm, SubjectForm, Values};
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use engine::Refusal;
use engine::catalog::service::IssuerTest;

use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::http::AppState;
use crate::http::v1::issuers::{changes, parsed};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/issuers/new", post(create))
        .route("/issuers/{name}/edit", post(edit))
        .route("/issuers/{name}", post(act))
}

async fn create(visitor: Visitor, sent: Sent) -> Response {
    let outcome = try_create(&visitor, sent).await;
    visitor.reply(outcome).await
}

async fn edit(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = try_edit(&visitor, &name, sent).await;
    visitor.reply(outcome).await
}

async fn act(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = try_act(&visitor, &name, sent).await;
    visitor.reply(outcome).await
}

async fn try_create(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<IssuerForm>()?;
    if form.intent() == Intent::Test {
        return test_typed(visitor, form, values).await;
    }
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let made = visitor
        .services()
        .create_issuer(&visitor.actor, parsed(request))
        .await;
    let issuer = made.map_err(|refusal| Refused::by::<IssuerForm>(refusal, values))?;
    Done::see(format!("/issuers/{}", issuer.name))
}

async fn try_edit(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<IssuerForm>()?;
    if form.intent() == Intent::Test {
        return test_typed(visitor, form, values).await;
    }
    let revision = form.revision.parse().ok();
    let request = form
        .to_update()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let services = visitor.services();
    let changed = services
        .update_issuer(&visitor.actor, &name, changes(request), revision)
        .await;
    let issuer = changed.map_err(|refusal| Refused::by::<IssuerForm>(refusal, values))?;
    Done::see(format!("/issuers/{}", issuer.name))
}

/// Tries what was typed, with the administrator that was typed: a stored one is never sent to an address that is not saved.
async fn test_typed(visitor: &Visitor, form: IssuerForm, values: Values) -> Outcome {
    let request = form
        .to_request()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let tested = visitor
        .services()
        .test_new_issuer(&visitor.actor, &parsed(request))
        .await;
    let test = tested.map_err(|refusal| Refused::by::<IssuerForm>(refusal, values.clone()))?;
    told(&test, values, "Nothing was stored.")
}

async fn try_act(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<SubjectForm>()?;
    let services = visitor.services();
    let refused = |refusal: Refusal| Refused::by::<SubjectForm>(refusal, values.clone());
    match form.action.as_str() {
        SubjectForm::TEST => {
            let test = services
                .test_issuer(&visitor.actor, &name)
                .await
                .map_err(refused)?;
            told(&test, values, "")
        }
        SubjectForm::DELETE => {
            services
                .delete_issuer(&visitor.actor, &name, None)
                .await
                .map_err(refused)?;
            Done::see("/issuers")
        }
        _ => Err(unknown(form.values())),
    }
}

/// A test's findings, as the notice of its page.
fn told(test: &IssuerTest, values: Values, end: &str) -> Outcome {
    let said = test.checks.iter().map(|check| {
        let mark = if check.ok { "" } else { "Failed: " };
        format!("{mark}{}: {}.", check.name, check.detail.trim_end_matches('.'))
    });
    let said: Vec<String> = said.chain(test.findings.iter().cloned()).collect();
    let said = said.join(" ");
    if !test.ok {
        let words = format!("The connection does not work. {said}");
        return Err(Refused::problem(values, &words));
    }
    Ok(Done::Found(FormState {
        values,
        notice: Some(
            format!("The connection works. {said} {end}")
                .trim_end()
                .to_owned(),
        ),
        ..FormState::default()
    }))
}

/// A page of ours sends only what it knows; an old one in an open tab may not.
pub(super) fn unknown(values: Values) -> Refused {
    Refused::problem(values, "this page does not know that action; load it again")
}
