//! Sealing, unsealing and the root of trust, asked for on the server's own machine. Each call stands for whoever makes it.

use api::root::{BeginMigration, GiveShare, MigrationCommand, RootStatus, Seal, Unseal};
use engine::Refusal;
use engine::access::Actor;
use keyring::SecretText;
use serde::{Deserialize, Serialize};

use crate::http::AppState;
use crate::http::v1::seal::{carry_out, key, status, target, with_shares};

/// What may be asked of the root.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootRequest {
    Status,
    Seal(Seal),
    Unseal(Unseal),
    Begin(BeginMigration),
    Share {
        id: String,
        given: GiveShare,
    },
    Command {
        id: String,
        command: String,
        said: MigrationCommand,
    },
}

/// Does it, and tells how the root stands then.
pub(super) async fn answer(state: &AppState, request: RootRequest) -> Result<RootStatus, Refusal> {
    let actor = Actor::system("command line");
    let services = &state.services;
    let mut new_shares = Vec::new();
    match request {
        RootRequest::Status => {}
        RootRequest::Seal(seal) => services.seal(&actor, &seal.reason).await?,
        RootRequest::Unseal(unseal) => services.unseal(&actor, key(unseal)?).await?,
        RootRequest::Begin(begin) => {
            let to = target(&begin)?;
            new_shares = services.begin_root_migration(&actor, to, &begin.reason).await?;
        }
        RootRequest::Share { id, given } => {
            let share = SecretText::new(given.share.expose_secret().to_owned());
            new_shares = services.give_migration_share(&actor, &id, &share).await?;
        }
        RootRequest::Command { id, command, said } => {
            carry_out(state, &actor, &id, &command, &said.reason).await?;
        }
    }
    Ok(with_shares(status(state, &actor).await?, new_shares))
}
