//! What the sandbox puts into the catalog: real credentials of the orders API and, where there is one, of PostgreSQL.
//! Ages are real; their bands differ because each entry has thresholds of its own.

use std::time::Duration;

use engine::access::Actor;
use engine::catalog::age::AgeThresholds;
use engine::catalog::service::consumer::NewConsumer;
use engine::catalog::service::credential::NewCredential;
use engine::catalog::service::issuer::{IssuerUpdate, NewIssuer};
use engine::catalog::service::policy_input::PolicyInput;
use engine::catalog::{Evidence, Sensitivity, Strategy};
use engine::ports::Values;
use engine::rotation::{NewRotation, Trigger};
use engine::{Name, Refusal};
use keyring::SecretText;
use serde_json::{Value, json};

use super::SandboxError;
use super::database::Database;
use super::programs::{DATABASE_SERVICE, Programs, SERVICES};
use crate::http::AppState;

/// Every entry stands in an environment of its own.
pub const ENVIRONMENT: &str = "sandbox";
/// The key that four services with twenty instances use.
pub const ORDERS_CREDENTIAL: &str = "orders-api-key";
/// The login of the ledger service.
pub const DATABASE_CREDENTIAL: &str = "ledger-db";
const ORDERS_ISSUER: &str = "orders-api";
const DATABASE_ISSUER: &str = "ledger-postgresql";

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// An entry that no running program uses: name, owner, purpose, sensitivity, thresholds, lifetime.
struct Quiet {
    name: &'static str,
    owner: Option<&'static str>,
    purpose: &'static str,
    sensitivity: Sensitivity,
    yellow_from: Duration,
    red_from: Duration,
    max_age: Duration,
}

const QUIET: [Quiet; 5] = [
    Quiet {
        name: "warehouse-export-key",
        owner: Some("logistics"),
        purpose: "Nightly export of orders to the warehouse",
        sensitivity: Sensitivity::Medium,
        yellow_from: Duration::from_secs(30),
        red_from: HOUR,
        max_age: Duration::from_secs(30 * 86_400),
    },
    Quiet {
        name: "partner-feed-key",
        owner: Some("partners"),
        purpose: "Order feed that a partner pulls",
        sensitivity: Sensitivity::High,
        yellow_from: Duration::from_secs(15),
        red_from: Duration::from_secs(120),
        max_age: Duration::from_secs(90 * 86_400),
    },
    Quiet {
        name: "audit-reader-key",
        owner: Some("finance"),
        purpose: "Read access for the yearly audit",
        sensitivity: Sensitivity::Low,
        yellow_from: HOUR,
        red_from: DAY,
        max_age: Duration::from_secs(365 * 86_400),
    },
    Quiet {
        name: "mobile-app-key",
        owner: Some("mobile"),
        purpose: "Orders shown in the app",
        sensitivity: Sensitivity::Critical,
        yellow_from: Duration::from_secs(600),
        red_from: HOUR,
        max_age: Duration::from_secs(7 * 86_400),
    },
    Quiet {
        name: "legacy-import-key",
        owner: None,
        purpose: "Nobody remembers; it has no owner",
        sensitivity: Sensitivity::Medium,
        yellow_from: Duration::from_secs(5),
        red_from: Duration::from_secs(60),
        max_age: Duration::from_secs(90 * 86_400),
    },
];

/// The orders API as issuer, its consumers and its credentials.
pub async fn prepare_orders(
    state: &AppState,
    actor: &Actor,
    programs: &Programs,
) -> Result<(), SandboxError> {
    let admin = || Values::new().with("token", SecretText::new(programs.admin_token.clone()));
    put_issuer(
        state,
        actor,
        ORDERS_ISSUER,
        "http_api_key",
        orders_config(programs.orders_url()),
        &admin,
    )
    .await?;
    for name in SERVICES {
        put_consumer(state, actor, name).await?;
    }
    let policy = PolicyInput {
        max_age: Some(30 * DAY),
        grace: Some(20 * Duration::from_secs(1)),
        soak: Some(8 * Duration::from_secs(1)),
        waves: Some(vec![5, 25, 100]),
        ..PolicyInput::default()
    };
    let mut orders = api_key(ORDERS_CREDENTIAL, "Orders that four services read", policy);
    orders.owner_team = Some("orders".to_owned());
    orders.sensitivity = Sensitivity::High;
    orders.consumers = SERVICES.map(str::to_owned).to_vec();
    put_credential(state, actor, orders).await?;
    for quiet in QUIET {
        let policy = PolicyInput {
            max_age: Some(quiet.max_age),
            grace: Some(MINUTE),
            soak: Some(5 * Duration::from_secs(1)),
            evidence: Some(Evidence::AcksAndProbe),
            ..PolicyInput::default()
        };
        let mut credential = api_key(quiet.name, quiet.purpose, policy);
        credential.owner_team = quiet.owner.map(str::to_owned);
        credential.sensitivity = quiet.sensitivity;
        credential.age_thresholds = Some(AgeThresholds {
            yellow_from: quiet.yellow_from,
            red_from: quiet.red_from,
        });
        put_credential(state, actor, credential).await?;
    }
    Ok(())
}

/// PostgreSQL as issuer, its consumer and its credential.
pub async fn prepare_database(
    state: &AppState,
    actor: &Actor,
    database: &Database,
) -> Result<(), SandboxError> {
    let admin = || {
        Values::new()
            .with("username", SecretText::new(database.admin_username().to_owned()))
            .with("password", SecretText::new(database.admin_password().to_owned()))
    };
    let config = json!({
        "host": "127.0.0.1", "port": database.port(), "database": database.name(), "sslmode": "disable",
    });
    put_issuer(state, actor, DATABASE_ISSUER, "postgresql", config, &admin).await?;
    put_consumer(state, actor, DATABASE_SERVICE).await?;
    let policy = PolicyInput {
        max_age: Some(30 * DAY),
        grace: Some(20 * Duration::from_secs(1)),
        soak: Some(8 * Duration::from_secs(1)),
        waves: Some(vec![20, 100]),
        ..PolicyInput::default()
    };
    let mut credential = api_key(DATABASE_CREDENTIAL, "The ledger's login to its database", policy);
    credential.kind = "database_password".to_owned();
    credential.issuer = DATABASE_ISSUER.to_owned();
    credential.owner_team = Some("finance".to_owned());
    credential.sensitivity = Sensitivity::Critical;
    credential.strategy = Strategy::Alternating;
    credential.config = json!({ "role": database.role(), "probe": "select count(*) from orders", "forbidden_probe": "drop table orders" });
    credential.consumers = vec![DATABASE_SERVICE.to_owned()];
    put_credential(state, actor, credential).await
}

fn orders_config(base_url: &str) -> Value {
    let admin = json!({ "authorization": "Bearer {{admin_token}}" });
    json!({
        "base_url": base_url,
        "allow_private_network": true,
        "create": {
            "method": "POST", "path": "/admin/keys", "headers": admin, "expect_status": [201], "id_pointer": "/id",
            "body": { "label": "{{label}}", "key": "{{key}}" },
        },
        "test": { "method": "GET", "path": "/whoami", "headers": { "authorization": "Bearer {{key}}" } },
        "revoke": { "method": "DELETE", "path": "/admin/keys/{{key_id}}", "headers": admin },
        "list": {
            "method": "GET", "path": "/admin/keys", "headers": admin,
            "items_pointer": "/keys", "id_pointer": "/id", "label_pointer": "/label",
        },
    })
}

fn api_key(name: &str, purpose: &str, policy: PolicyInput) -> NewCredential {
    NewCredential {
        name: name.to_owned(),
        kind: "api_key".to_owned(),
        issuer: ORDERS_ISSUER.to_owned(),
        owner_team: None,
        backup_contact: None,
        purpose: purpose.to_owned(),
        sensitivity: Sensitivity::Medium,
        environment: ENVIRONMENT.to_owned(),
        strategy: Strategy::Dual,
        config: json!({}),
        consumers: Vec::new(),
        tags: vec!["sandbox".to_owned()],
        review_every: None,
        policy,
        age_thresholds: None,
        initial: None,
        override_reason: None,
        sandbox: true,
    }
}

/// Made, or told where it is now: its port and its token are new at each start.
async fn put_issuer(
    state: &AppState,
    actor: &Actor,
    name: &str,
    kind: &str,
    config: Value,
    admin: &(dyn Fn() -> Values + Sync),
) -> Result<(), SandboxError> {
    let services = &state.services;
    let known = services
        .store
        .issuer(&parsed(name)?)
        .await
        .map_err(Refusal::from)?;
    let override_reason = Some("the sandbox runs on this machine".to_owned());
    if known.is_some() {
        let update = IssuerUpdate {
            config: Some(config),
            admin: Some(admin()),
            override_reason,
            ..IssuerUpdate::default()
        };
        services
            .update_issuer(actor, &parsed(name)?, update, None)
            .await?;
        return Ok(());
    }
    let new = NewIssuer {
        name: name.to_owned(),
        kind: kind.to_owned(),
        environment: ENVIRONMENT.to_owned(),
        config,
        admin: admin(),
        override_reason,
        sandbox: true,
    };
    services.create_issuer(actor, new).await?;
    Ok(())
}

async fn put_consumer(state: &AppState, actor: &Actor, name: &str) -> Result<(), SandboxError> {
    let services = &state.services;
    if services
        .store
        .consumer(&parsed(name)?)
        .await
        .map_err(Refusal::from)?
        .is_some()
    {
        return Ok(());
    }
    let new = NewConsumer {
        name: name.to_owned(),
        service: name.to_owned(),
        environment: ENVIRONMENT.to_owned(),
        labels: std::collections::BTreeMap::new(),
        sandbox: true,
    };
    services.create_consumer(actor, new).await?;
    Ok(())
}

/// Made where it is missing, and given its first version where it has none and none is on its way.
async fn put_credential(state: &AppState, actor: &Actor, new: NewCredential) -> Result<(), SandboxError> {
    let services = &state.services;
    let name = parsed(&new.name)?;
    let known = match services.store.credential(&name).await.map_err(Refusal::from)? {
        Some(known) => known,
        None => services.create_credential(actor, new).await?,
    };
    let in_flight = services
        .store
        .rotation_in_flight(&known.id)
        .await
        .map_err(Refusal::from)?;
    if known.current.is_some() || in_flight.is_some() {
        return Ok(());
    }
    let first = NewRotation {
        credential: name,
        reason: "first version of a sandbox entry".to_owned(),
        emergency: false,
        trigger: Trigger::Event,
    };
    services.start_rotation(actor, first).await?;
    Ok(())
}

fn parsed(name: &str) -> Result<Name, SandboxError> {
    Name::parse(name).map_err(|error| SandboxError::Refused(error.to_string()))
}
