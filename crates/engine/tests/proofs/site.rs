//! A real issuer, seen by a route of the test's own.

use engine::catalog::{NewIssuer, Strategy};
use engine::ports::Values;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection, Row};
use testing::Postgres;
use tokio::sync::Mutex;

use crate::house::text;
use crate::key_service::{ADMIN_TOKEN, KeyService};

/// How a credential is rotated, and by whom its secret is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Alternating,
    InPlace,
    /// Rota makes the key.
    Dual,
    /// The issuer makes the key, so that only its answer holds it.
    DualMade,
}

impl Way {
    pub(crate) fn strategy(self) -> Strategy {
        match self {
            Self::Alternating => Strategy::Alternating,
            Self::InPlace => Strategy::InPlace,
            Self::Dual | Self::DualMade => Strategy::Dual,
        }
    }

    pub(crate) fn credential_kind(self) -> &'static str {
        match self {
            Self::Alternating | Self::InPlace => "database_password",
            Self::Dual | Self::DualMade => "api_key",
        }
    }
}

enum Server {
    Postgres {
        postgres: Box<Postgres>,
        admin: Mutex<PgConnection>,
    },
    Keys(KeyService),
}

/// The issuer of one test.
pub(crate) struct Site {
    pub(crate) way: Way,
    server: Server,
}

fn value<'values>(values: &'values Values, name: &str) -> &'values str {
    values.get(name).unwrap().expose_text()
}

fn options(postgres: &Postgres, username: &str, password: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host(postgres.host())
        .port(postgres.port())
        .database(postgres.database())
        .username(username)
        .password(password)
        .ssl_mode(PgSslMode::Disable)
        .statement_cache_capacity(0)
        .disable_statement_logging()
}

/// Roles belong to the whole server, whatever the database.
fn role(postgres: &Postgres, credential: &str) -> String {
    format!("{}_{credential}", postgres.database())
}

impl Site {
    pub(crate) async fn start(way: Way) -> Self {
        let server = match way {
            Way::Alternating | Way::InPlace => {
                let postgres = Box::new(Postgres::start_alone(&[]));
                let options = options(&postgres, postgres.username(), postgres.password());
                Server::Postgres {
                    admin: Mutex::new(PgConnection::connect_with(&options).await.unwrap()),
                    postgres,
                }
            }
            Way::Dual | Way::DualMade => Server::Keys(KeyService::start().await),
        };
        Self { way, server }
    }

    pub(crate) fn issuer(&self) -> NewIssuer {
        let (kind, config, admin) = match &self.server {
            Server::Postgres { postgres, .. } => (
                "postgresql",
                json!({
                    "host": postgres.host(), "port": postgres.port(), "database": postgres.database(),
                    "sslmode": "disable"
                }),
                Values::new()
                    .with("username", text(postgres.username()))
                    .with("password", text(postgres.password())),
            ),
            Server::Keys(service) => (
                "http_api_key",
                service.config(self.way == Way::Dual),
                Values::new().with("token", text(ADMIN_TOKEN)),
            ),
        };
        NewIssuer {
            name: "issuer".to_owned(),
            kind: kind.to_owned(),
            environment: "test".to_owned(),
            config,
            admin,
            override_reason: None,
            sandbox: false,
        }
    }

    /// Makes what a credential needs to be there beforehand, and gives its configuration.
    pub(crate) async fn prepare(&self, credential: &str) -> Value {
        match &self.server {
            Server::Postgres { admin, postgres } => {
                let role = role(postgres, credential);
                let right = if self.way == Way::InPlace {
                    "login password 'from before Rota'"
                } else {
                    "nologin"
                };
                let statement = format!("create role \"{role}\" {right}");
                let mut admin = admin.lock().await;
                sqlx::raw_sql(&statement).execute(&mut *admin).await.unwrap();
                json!({"role": role})
            }
            Server::Keys(_) => json!({"variables": {"account": credential}}),
        }
    }

    /// Signs in with these values as a consumer would.
    pub(crate) async fn accepts(&self, values: &Values) -> bool {
        match &self.server {
            Server::Postgres { postgres, .. } => {
                let (username, password) = (value(values, "username"), value(values, "password"));
                match PgConnection::connect_with(&options(postgres, username, password)).await {
                    Ok(connection) => {
                        connection.close().await.unwrap();
                        true
                    }
                    Err(sqlx::Error::Database(error))
                        if matches!(error.code().as_deref(), Some("28P01" | "28000")) =>
                    {
                        false
                    }
                    Err(error) => panic!("the test's own login failed for another reason: {error}"),
                }
            }
            Server::Keys(service) => service.accepts(value(values, "key")).await,
        }
    }

    /// What the issuer accepts for this credential, in its own words: logins that may sign in, or the ids of keys.
    pub(crate) async fn alive(&self, credential: &str) -> Vec<String> {
        match &self.server {
            Server::Postgres { admin, postgres } => {
                let mut admin = admin.lock().await;
                let rows = sqlx::query(
                    r"select rolname::text as login from pg_authid
                      where rolname::text in ($1, $1 || '_a', $1 || '_b') and rolcanlogin and rolpassword is not null
                      order by 1",
                )
                .bind(role(postgres, credential))
                .fetch_all(&mut *admin)
                .await
                .unwrap();
                rows.iter().map(|row| row.get("login")).collect()
            }
            Server::Keys(service) => service
                .keys(credential)
                .into_iter()
                .map(|key| format!("{} ({})", key.id, key.label))
                .collect(),
        }
    }

    /// Whether everything the issuer accepts for this credential can be reached with one of these stored values.
    pub(crate) async fn all_alive_are_stored(&self, credential: &str, stored: &[Values]) -> bool {
        match &self.server {
            Server::Postgres { .. } => {
                for login in self.alive(credential).await {
                    let mut opens = false;
                    for values in stored.iter().filter(|values| value(values, "username") == login) {
                        opens = opens || self.accepts(values).await;
                    }
                    if !opens {
                        return false;
                    }
                }
                true
            }
            Server::Keys(service) => service.keys(credential).iter().all(|key| {
                self.way == Way::DualMade || stored.iter().any(|values| value(values, "key") == key.secret)
            }),
        }
    }
}
