//! Findings: what is not as it should be, until it is mended. Each follows from what is stored, so it goes by itself.

use api::finding::Severity;
use api::{Finding, Page, PageQuery};
use axum::extract::State;
use engine::Timestamp;
use engine::access::Role;
use engine::catalog::service::overrides;
use engine::catalog::{Credential, Issuer};
use engine::key::{Key, KeyFinding};
use engine::reencryption::{Job, JobState, PausedBy};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::reply::page_of;
use crate::auth::Caller;
use crate::http::AppState;
use crate::http::extract::{Json, Query};
use crate::http::problem::ApiResult;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Everything that is not as it should be
#[utoipa::path(get, path = "/api/v1/findings", tag = "catalog", params(PageQuery),
    responses((status = 200, body = Page<Finding>)), security(("bearer" = ["viewer"]), ("session" = [])))]
async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<Page<Finding>>> {
    actor.require(Role::Viewer)?;
    let findings = all(&state).await?;
    Ok(Json(page_of(
        findings,
        query.cursor.as_deref(),
        query.limit,
        |finding| finding.id.clone(),
    )?))
}

/// Every finding there is: of this installation, its issuers and its credentials.
///
/// # Errors
/// When the database is away.
pub async fn all(state: &AppState) -> ApiResult<Vec<Finding>> {
    let now = state.services.clock.now();
    let mut findings = of_installation(state, now);
    findings.extend(of_recovery(state).await?);
    for issuer in state.services.store.issuers().await? {
        findings.extend(of_issuer(&issuer));
    }
    for credential in state.services.store.credentials().await? {
        findings.extend(of_credential(&credential));
    }
    for job in state.services.store.jobs_under_way().await? {
        findings.extend(of_job(&job));
    }
    let system = engine::access::Actor::system("findings");
    for (key, found) in state.services.key_findings(&system).await? {
        findings.push(of_key(&key, &found));
    }
    Ok(findings)
}

fn of_installation(state: &AppState, now: Timestamp) -> Vec<Finding> {
    let subject = "installation";
    let mut findings = Vec::new();
    if state.root_key_beside_database() {
        findings.push(finding(
            subject,
            "root_key_beside_database",
            Severity::Warning,
            "The root key lies beside the database it protects",
            "whoever copies the folder has both; move the file and name it in ROTA_ROOT_KEY_FILE, or use ROTA_ROOT_PASSPHRASE",
            state.services.sealer.active().map_or(now, |active| active.since),
        ));
    }
    if !state.memory.problems.is_empty() {
        findings.push(finding(
            subject,
            "memory_unprotected",
            Severity::Warning,
            "Keys in memory are not as well kept as they could be",
            &state.memory.problems.join("; "),
            now,
        ));
    }
    if state.services.bootstrap.is_some() {
        findings.push(finding(
            subject,
            "bootstrap_token_set",
            Severity::Warning,
            "ROTA_BOOTSTRAP_TOKEN is set",
            "it is an administrator that never expires; make a token with the role it needs, then unset it",
            now,
        ));
    }
    findings
}

/// A job that the breaker paused, or that does not get on.
pub fn of_job(job: &Job) -> Option<Finding> {
    let subject = format!("target/{}", job.target_name);
    match &job.state {
        JobState::Paused {
            by: PausedBy::Breaker,
            why,
            since,
        } => Some(finding(
            &subject,
            "reencryption_breaker",
            Severity::Critical,
            "Re-encryption has stopped: records do not open",
            why,
            *since,
        )),
        _ => job.trouble.as_ref().map(|trouble| {
            finding(
                &subject,
                "reencryption_waits",
                Severity::Warning,
                "Re-encryption does not get on",
                trouble,
                job.created_at,
            )
        }),
    }
}

/// Backups and rehearsals that are missing, and a restore that is not settled.
async fn of_recovery(state: &AppState) -> ApiResult<impl Iterator<Item = Finding> + use<>> {
    let found = state.services.recovery_findings(state.recovery).await?;
    Ok(found.into_iter().map(|found| {
        let severity = if found.critical {
            Severity::Critical
        } else {
            Severity::Warning
        };
        finding(
            "recovery",
            found.code,
            severity,
            found.title,
            &found.detail,
            found.since,
        )
    }))
}

/// What is not as it should be with a key.
pub fn of_key(key: &Key, found: &KeyFinding) -> Finding {
    let severity = if found.critical {
        Severity::Critical
    } else {
        Severity::Warning
    };
    finding(
        &format!("key/{}", key.name),
        found.code,
        severity,
        &found.title,
        &found.detail,
        found.since,
    )
}

/// What the last test of an issuer noticed, and the rules it overrides.
pub fn of_issuer(issuer: &Issuer) -> Vec<Finding> {
    let subject = format!("issuer/{}", issuer.name);
    let noticed = issuer.findings.iter().enumerate().map(|(position, detail)| {
        let code = format!("issuer_{}", position + 1);
        finding(
            &subject,
            &code,
            Severity::Warning,
            "The issuer works, but not as it should",
            detail,
            issuer.created_at,
        )
    });
    let opened = issuer.breaker.opened_at.map(|opened_at| {
        let detail = "it gave three errors in a row, so scheduled rotations wait; test its connection";
        finding(
            &subject,
            "breaker_open",
            Severity::Critical,
            "The issuer does not answer as it should",
            detail,
            opened_at,
        )
    });
    noticed
        .chain(overridden(&subject, &issuer.config, issuer.created_at))
        .chain(opened)
        .collect()
}

/// No owner, nobody who uses it, and the rules it overrides.
pub fn of_credential(credential: &Credential) -> Vec<Finding> {
    let subject = format!("credential/{}", credential.name);
    let since = credential.created_at;
    let mut findings: Vec<Finding> = overridden(&subject, &credential.config, since).collect();
    if credential.owner_team.is_none() {
        let detail = "nobody answers for it; name a team on its page";
        findings.push(finding(
            &subject,
            "no_owner",
            Severity::Critical,
            "It has no owner",
            detail,
            since,
        ));
    }
    if credential.consumers.is_empty() {
        let detail = "no consumer is bound to it, so nothing shows whether anybody uses it";
        findings.push(finding(
            &subject,
            "no_consumer",
            Severity::Info,
            "Nobody is known to use it",
            detail,
            since,
        ));
    }
    findings
}

fn overridden(subject: &str, config: &serde_json::Value, since: Timestamp) -> impl Iterator<Item = Finding> {
    let subject = subject.to_owned();
    overrides(config).into_iter().map(move |flag| {
        let detail =
            format!("`{flag}` is set; why stands in the audit. Mend the cause and take the flag out");
        finding(
            &subject,
            &flag,
            Severity::Warning,
            "A rule is overridden",
            &detail,
            since,
        )
    })
}

fn finding(
    subject: &str,
    code: &str,
    severity: Severity,
    title: &str,
    detail: &str,
    since: Timestamp,
) -> Finding {
    Finding {
        id: format!("{subject}/{code}"),
        code: code.to_owned(),
        severity,
        subject: subject.to_owned(),
        title: title.to_owned(),
        detail: detail.to_owned(),
        since: since.into(),
    }
}
