//! Forms of re-encryption: beginning a job, telling it what to do, registering a target.

use app::forms::job::{JobWish, Pace, TargetWish};
use app::forms::{DeleteForm, JobActForm, JobForm, TargetForm};
use app::views::reencryption::JobMode;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use engine::access::Role;
use engine::id::JobId;
use engine::reencryption::service::job::{JobCommand, NewJob, TuningUpdate};
use engine::reencryption::service::target::{NewTarget, TargetUpdate};
use engine::reencryption::{Encoding, Mode};

use super::refused::Refused;
use super::sent::Sent;
use super::visitor::{Done, Outcome, Visitor};
use crate::http::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/reencryptions", post(begin))
        .route("/reencryptions/{id}", post(act))
        .route("/targets/new", post(register))
        .route("/targets/{name}/edit", post(change))
        .route("/targets/{name}/delete", post(remove))
}

async fn begin(visitor: Visitor, sent: Sent) -> Response {
    let outcome = try_begin(&visitor, sent).await;
    visitor.reply(outcome).await
}

async fn act(visitor: Visitor, Path(id): Path<String>, sent: Sent) -> Response {
    let outcome = try_act(&visitor, &id, sent).await;
    visitor.reply(outcome).await
}

async fn register(visitor: Visitor, sent: Sent) -> Response {
    let outcome = try_register(&visitor, sent).await;
    visitor.reply(outcome).await
}

async fn change(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = try_change(&visitor, &name, sent).await;
    visitor.reply(outcome).await
}

async fn remove(visitor: Visitor, Path(name): Path<String>, sent: Sent) -> Response {
    let outcome = try_remove(&visitor, &name, sent).await;
    visitor.reply(outcome).await
}

async fn try_begin(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<JobForm>()?;
    let wish = form
        .to_wish()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let job = visitor
        .services()
        .start_reencryption(&visitor.actor, new_job(wish))
        .await
        .map_err(|refusal| Refused::by::<JobForm>(refusal, values))?;
    Done::see(format!("/reencryptions/{}", job.id))
}

fn new_job(wish: JobWish) -> NewJob {
    let pace = Pace {
        rate: wish.rate,
        concurrency: wish.concurrency,
        batch_size: wish.batch_size,
    };
    NewJob {
        target: wish.target,
        key: None,
        mode: match wish.mode {
            JobMode::Rewrap => Mode::Rewrap,
            JobMode::Reencrypt => Mode::Reencrypt,
            JobMode::Shadow => Mode::Shadow,
            JobMode::DryRun => Mode::DryRun,
            JobMode::Scan => Mode::Scan,
        },
        from: wish.from,
        tuning: tuning(pace),
        reason: wish.reason,
    }
}

fn tuning(pace: Pace) -> TuningUpdate {
    TuningUpdate {
        batch_size: pace.batch_size,
        concurrency: pace.concurrency,
        // 0 is no limit: what a blank field says.
        rate: Some(pace.rate.unwrap_or(0)),
        ..TuningUpdate::default()
    }
}

async fn try_act(visitor: &Visitor, id: &str, sent: Sent) -> Outcome {
    let id = JobId::parse(id).map_err(|_| Refused::missing())?;
    let (form, values) = sent.read::<JobActForm>()?;
    let services = visitor.services();
    let refused = |refusal| Refused::by::<JobActForm>(refusal, values.clone());
    if form.action == JobActForm::TUNE {
        let pace = form
            .to_pace()
            .map_err(|errors| Refused::fields(errors, values.clone()))?;
        services
            .tune_reencryption(&visitor.actor, &id, tuning(pace))
            .await
            .map_err(refused)?;
    } else {
        let command = match form.action.as_str() {
            JobActForm::PAUSE => JobCommand::Pause,
            JobActForm::RESUME => JobCommand::Resume,
            JobActForm::CANCEL => JobCommand::Cancel,
            _ => return Err(super::issuers::unknown(values)),
        };
        let reason = form
            .to_reason()
            .map_err(|errors| Refused::fields(errors, values.clone()))?;
        services
            .command_reencryption(&visitor.actor, &id, command, &reason)
            .await
            .map_err(refused)?;
    }
    Done::see(format!("/reencryptions/{id}"))
}

async fn try_register(visitor: &Visitor, sent: Sent) -> Outcome {
    let (form, values) = sent.read::<TargetForm>()?;
    let wish = form
        .to_wish()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    visitor
        .services()
        .create_target(&visitor.actor, new_target(wish))
        .await
        .map_err(|refusal| Refused::by::<TargetForm>(refusal, values))?;
    Done::see("/reencryptions")
}

async fn try_change(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (mut form, values) = sent.read::<TargetForm>()?;
    let services = visitor.services();
    let refused = |refusal| Refused::by::<TargetForm>(refusal, values.clone());
    visitor.actor.require(Role::Administrator).map_err(refused)?;
    let present = services
        .target_view(&visitor.actor, &name)
        .await
        .map_err(refused)?
        .target;
    // What stays is not asked for.
    form.name = present.name.to_string();
    form.kind = present.kind.clone();
    form.key = present.key_name.to_string();
    let wish = form
        .to_wish()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    let update = TargetUpdate {
        config: Some(wish.config),
        credential: Some(wish.credential.unwrap_or_default()),
        encoding: Some(encoding(&wish.encoding)),
        context: Some(wish.context.unwrap_or_default()),
        require_shadow: Some(wish.require_shadow),
    };
    services
        .update_target(&visitor.actor, &name, update, form.revision.parse().ok())
        .await
        .map_err(refused)?;
    Done::see("/reencryptions")
}

async fn try_remove(visitor: &Visitor, name: &str, sent: Sent) -> Outcome {
    let name = visitor.named(name)?;
    let (form, values) = sent.read::<DeleteForm>()?;
    let reason = form
        .to_reason()
        .map_err(|errors| Refused::fields(errors, values.clone()))?;
    visitor
        .services()
        .delete_target(&visitor.actor, &name, Some(&reason), None)
        .await
        .map_err(|refusal| Refused::by::<DeleteForm>(refusal, values))?;
    Done::see("/reencryptions")
}

fn encoding(word: &str) -> Encoding {
    if word == "base64" {
        Encoding::Base64
    } else {
        Encoding::Raw
    }
}

fn new_target(wish: TargetWish) -> NewTarget {
    NewTarget {
        name: wish.name,
        kind: wish.kind,
        key: wish.key,
        config: wish.config,
        credential: wish.credential,
        encoding: encoding(&wish.encoding),
        context: wish.context.unwrap_or_default(),
        require_shadow: wish.require_shadow,
    }
}
