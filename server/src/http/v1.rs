//! HTTP v1, a module per noun. A handler says who is asking, parses, makes one service call and replies.

pub mod accounts;
pub mod audit;
pub mod consumers;
pub mod credentials;
pub mod delivery;
pub mod findings;
pub mod freezes;
pub mod issuers;
mod key_operations;
mod key_signing;
pub mod keys;
pub mod openapi;
pub mod recovery;
pub mod reencryption;
pub mod reply;
pub mod rotation_view;
pub mod rotations;
pub mod seal;
pub mod signals;
pub mod targets;
pub mod tokens;
pub mod whoami;

use utoipa_axum::router::OpenApiRouter;

use super::AppState;

/// Every route of v1 with its documentation: a handler without documentation cannot be mounted.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(audit::routes())
        .merge(consumers::routes())
        .merge(credentials::routes())
        .merge(delivery::routes())
        .merge(findings::routes())
        .merge(freezes::routes())
        .merge(issuers::routes())
        .merge(keys::routes())
        .merge(key_operations::routes())
        .merge(key_signing::routes())
        .merge(recovery::routes())
        .merge(reencryption::routes())
        .merge(rotations::routes())
        .merge(seal::routes())
        .merge(signals::routes())
        .merge(targets::routes())
        .merge(tokens::routes())
        .merge(whoami::routes())
}
