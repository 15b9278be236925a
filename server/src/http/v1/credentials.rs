//! Credentials: what is rotated.

use api::Page;
use api::credential::{CreateCredential, Credential, CredentialQuery, UpdateCredential};
use api::from_engine::CredentialParts;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::Name;
use engine::access::Actor;
use engine::catalog::facts::CredentialFacts;
use engine::catalog::service::{CredentialUpdate, NewCredential};
use engine::rotation::{NewRotation, Trigger};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::findings;
use super::issuers::secret_values;
use super::reply::{created, page_of, tagged};
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{IfMatch, Json, NamePath, Query};
use crate::http::problem::ApiResult;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
}

/// Every credential, by name; versions are left out
#[utoipa::path(get, path = "/api/v1/credentials", tag = "catalog", params(CredentialQuery),
    responses((status = 200, body = Page<Credential>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<CredentialQuery>,
) -> ApiResult<Json<Page<Credential>>> {
    let mut all = state.services.credentials(&actor).await?;
    all.retain(|facts| matches(&query, facts));
    let page = page_of(all, query.cursor.as_deref(), query.limit, |facts| {
        facts.credential.name.to_string()
    })?;
    let now = state.services.clock.now();
    let instances = state
        .services
        .live
        .view(&state.services.store.all_instances().await?, now);
    let items = page.items.into_iter().map(|facts| {
        let of_credential =
            |view: &&engine::delivery::InstanceView| view.stored.credential == facts.credential.id;
        let parts = CredentialParts {
            versions: facts.current.clone().into_iter().collect(),
            instances: instances.iter().filter(of_credential).cloned().collect(),
            findings: findings::of_credential(&facts.credential),
        };
        Credential::from_parts(facts, parts)
    });
    Ok(Json(Page {
        items: items.collect(),
        next_cursor: page.next_cursor,
    }))
}

/// Adds a credential; without `initial` its first version is made at once
#[utoipa::path(post, path = "/api/v1/credentials", tag = "catalog", request_body = CreateCredential,
    responses((status = 201, body = Credential)), security(("bearer" = ["operator"])))]
async fn create(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(body): Json<CreateCredential>,
) -> ApiResult<Response> {
    let credential = create_and_begin(&state, &actor, parsed(body)).await?;
    let location = format!("/api/v1/credentials/{}", credential.name);
    Ok(created(
        &location,
        on_the_wire(&state, &actor, &credential.name).await?,
    ))
}

/// One credential with its versions
#[utoipa::path(get, path = "/api/v1/credentials/{name}", tag = "catalog", params(("name" = String, Path)),
    responses((status = 200, body = Credential)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn show(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
) -> ApiResult<Response> {
    let credential = on_the_wire(&state, &actor, &name).await?;
    Ok(tagged(StatusCode::OK, credential.revision, credential))
}

/// Changes a credential; what is absent stays
#[utoipa::path(patch, path = "/api/v1/credentials/{name}", tag = "catalog", request_body = UpdateCredential,
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 200, body = Credential)), security(("bearer" = ["operator"])))]
async fn update(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
    Json(body): Json<UpdateCredential>,
) -> ApiResult<Response> {
    let update = changes(body);
    state
        .services
        .update_credential(&actor, &name, update, revision)
        .await?;
    let credential = on_the_wire(&state, &actor, &name).await?;
    Ok(tagged(StatusCode::OK, credential.revision, credential))
}

/// Takes a credential out of the catalog
#[utoipa::path(delete, path = "/api/v1/credentials/{name}", tag = "catalog",
    params(("name" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204)), security(("bearer" = ["operator"])))]
async fn delete(
    State(state): State<AppState>,
    Caller(actor): Caller,
    NamePath(name): NamePath,
    IfMatch(revision): IfMatch,
) -> ApiResult<StatusCode> {
    state
        .services
        .delete_credential(&actor, &name, revision, None)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a credential and begins its first version, unless it was adopted with one.
pub(crate) async fn create_and_begin(
    state: &AppState,
    actor: &Actor,
    new: NewCredential,
) -> Result<engine::catalog::Credential, engine::Refusal> {
    let credential = state.services.create_credential(actor, new).await?;
    if credential.current.is_none() {
        let first = NewRotation {
            credential: credential.name.clone(),
            reason: "first version".to_owned(),
            emergency: false,
            trigger: Trigger::Person,
        };
        // The credential is in the catalog either way; a freeze, say, only makes its first version wait for a person.
        if let Err(refusal) = state.services.start_rotation(actor, first).await {
            tracing::warn!(credential.name = %credential.name, error.cause = %refusal, "the first version was not begun");
        }
    }
    Ok(credential)
}

/// What the service takes for a change, from what the wire and the forms bring.
pub(crate) fn changes(body: UpdateCredential) -> CredentialUpdate {
    CredentialUpdate {
        owner_team: body.owner_team,
        backup_contact: body.backup_contact,
        purpose: body.purpose,
        sensitivity: body.sensitivity.map(Into::into),
        config: body.config,
        consumers: body.consumers,
        tags: body.tags,
        review_every: body.review_every.map(Into::into),
        policy: body.policy.map(Into::into),
        age_thresholds: body.age_thresholds.map(Into::into),
        schedule_hold: body.schedule_hold,
        override_reason: body.override_reason,
        reason: None,
    }
}

async fn on_the_wire(state: &AppState, actor: &Actor, name: &Name) -> ApiResult<Credential> {
    let detail = state.services.credential(actor, name).await?;
    let findings = findings::of_credential(&detail.facts.credential);
    Ok(Credential::from_detail(detail, findings))
}

/// What the service takes, from what the wire and the forms bring.
pub(crate) fn parsed(body: CreateCredential) -> NewCredential {
    NewCredential {
        initial: body.initial.as_ref().map(secret_values),
        name: body.name,
        kind: body.kind,
        issuer: body.issuer,
        owner_team: body.owner_team,
        backup_contact: body.backup_contact,
        purpose: body.purpose,
        sensitivity: body.sensitivity.into(),
        environment: body.environment,
        strategy: body.strategy.into(),
        config: body.config,
        consumers: body.consumers,
        tags: body.tags.unwrap_or_default(),
        review_every: body.review_every.map(Into::into),
        policy: body.policy.into(),
        age_thresholds: body.age_thresholds.map(Into::into),
        override_reason: body.override_reason,
        sandbox: false,
    }
}

fn matches(query: &CredentialQuery, facts: &CredentialFacts) -> bool {
    let credential = &facts.credential;
    let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
    let holds = |text: &str| {
        let owner = credential.owner_team.as_deref().unwrap_or_default();
        [credential.name.as_str(), owner, &credential.purpose]
            .iter()
            .any(|field| field.to_lowercase().contains(&text.to_lowercase()))
    };
    query.q.as_deref().is_none_or(holds)
        && is(&query.environment, credential.environment.as_str())
        && is(&query.issuer, credential.issuer.as_str())
        && query.consumer.as_deref().is_none_or(|wanted| {
            credential
                .consumers
                .iter()
                .any(|consumer| consumer.as_str() == wanted)
        })
        && is(
            &query.owner_team,
            credential.owner_team.as_deref().unwrap_or_default(),
        )
        && query.age_band.is_none_or(|band| band == facts.band.into())
        && query
            .policy_status
            .is_none_or(|status| status == facts.status.into())
        && query.sandbox.is_none_or(|sandbox| sandbox == credential.sandbox)
}
