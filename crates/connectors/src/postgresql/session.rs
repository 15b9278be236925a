//! One connection: how it is opened, how its statements run, and what its errors mean.

use std::time::Duration;

use engine::ports::{ConnectorError, Values};
use engine::rotation::ErrorClass;
use keyring::SecretText;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgRow};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::time::timeout;

use super::config::{IssuerConfig, login_problem};
use super::scram::prepared;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A little more than the server allows itself, so that its own answer is seen where there is one.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// What the server allows one statement, and one wait for a lock.
const SERVER_LIMITS: &str = "set statement_timeout = '10s'; set lock_timeout = '5s'";

/// What an error means depends on what was going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Signing in.
    Connect,
    /// Reading: may simply be done again.
    Read,
    /// Changing something: a lost answer leaves the outcome unknown.
    Act,
}

/// A signed-in connection.
pub(super) struct Session {
    connection: PgConnection,
    phase: Phase,
    who: String,
}

impl Session {
    /// Signs in as the administrator. Nothing of the database's own can shadow the server's functions there.
    pub(super) async fn administrator(config: &IssuerConfig, admin: &Values) -> Result<Self, ConnectorError> {
        let (Some(username), Some(password)) = (admin.get("username"), admin.get("password")) else {
            return Err(ConnectorError::new(
                ErrorClass::Policy,
                "the issuer's administrator needs a username and a password",
            ));
        };
        let mut session = Self::open(config, username.expose_text(), password).await?;
        session
            .run(&format!("{SERVER_LIMITS}; set search_path = pg_catalog"))
            .await?;
        Ok(session)
    }

    /// Signs in as a consumer would.
    pub(super) async fn consumer(
        config: &IssuerConfig,
        login: &str,
        password: &SecretText,
    ) -> Result<Self, ConnectorError> {
        let mut session = Self::open(config, login, password).await?;
        session.run(SERVER_LIMITS).await?;
        Ok(session)
    }

    /// Signs in to read and write rows; how long that may take is the caller's to say.
    pub(super) async fn of_rows(
        config: &IssuerConfig,
        login: &str,
        password: &SecretText,
    ) -> Result<(PgConnection, String), ConnectorError> {
        let session = Self::open(config, login, password).await?;
        Ok((session.connection, session.who))
    }

    async fn open(config: &IssuerConfig, login: &str, password: &SecretText) -> Result<Self, ConnectorError> {
        let who = format!("`{login}` at {}:{}", config.server.host, config.server.port);
        // The driver panics on what SASLprep refuses.
        if let Some(problem) = login_problem(login) {
            return Err(ConnectorError::new(
                ErrorClass::Policy,
                format!("cannot sign in as {who}: {problem}"),
            ));
        }
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&config.server.host)
            .port(config.server.port)
            .database(&config.database)
            .username(login)
            .password(&prepared(password.expose_text()))
            .ssl_mode(config.server.sslmode.into())
            .application_name("rota")
            .statement_cache_capacity(0)
            .disable_statement_logging();
        if let Some(ca_pem) = &config.server.ca_pem {
            options = options.ssl_root_cert_from_pem(ca_pem.clone().into_bytes());
        }
        match timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options)).await {
            Ok(Ok(connection)) => Ok(Self {
                connection,
                phase: Phase::Read,
                who,
            }),
            Ok(Err(error)) => Err(classify(&error, Phase::Connect, &format!("signing in as {who}"))),
            Err(_) => Err(ConnectorError::new(
                ErrorClass::Network,
                format!(
                    "signing in as {who}: no answer within {} s",
                    CONNECT_TIMEOUT.as_secs()
                ),
            )),
        }
    }

    /// From here on a lost connection leaves the outcome unknown.
    pub(super) async fn begin_act(&mut self) -> Result<(), ConnectorError> {
        self.run("begin").await?;
        self.phase = Phase::Act;
        Ok(())
    }

    /// Makes the act durable.
    pub(super) async fn commit(&mut self) -> Result<(), ConnectorError> {
        self.run("commit").await?;
        self.phase = Phase::Read;
        Ok(())
    }

    /// Runs statements that take no parameters and give no rows.
    pub(super) async fn run(&mut self, statements: &str) -> Result<(), ConnectorError> {
        self.run_raw(statements).await.map_err(|failure| failure.error)
    }

    /// The same, with the SQLSTATE of a refusal.
    pub(super) async fn run_raw(&mut self, statements: &str) -> Result<(), Failure> {
        match timeout(STATEMENT_TIMEOUT, self.connection.execute(statements)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_) => Err(self.silence()),
        }
    }

    /// Runs one statement only (extended protocol), and throws its rows away.
    pub(super) async fn run_one(&mut self, statement: &str) -> Result<(), Failure> {
        let query = sqlx::query(statement).persistent(false);
        match timeout(STATEMENT_TIMEOUT, self.connection.execute(query)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_) => Err(self.silence()),
        }
    }

    /// Asks with text parameters.
    pub(super) async fn rows(
        &mut self,
        query: &str,
        parameters: &[&str],
    ) -> Result<Vec<PgRow>, ConnectorError> {
        let mut prepared_query = sqlx::query(query).persistent(false);
        for parameter in parameters {
            prepared_query = prepared_query.bind((*parameter).to_owned());
        }
        match timeout(STATEMENT_TIMEOUT, self.connection.fetch_all(prepared_query)).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => Err(self.failure(&error).error),
            Err(_) => Err(self.silence().error),
        }
    }

    /// Says goodbye. An open transaction is rolled back by the server.
    pub(super) async fn close(self) {
        drop(timeout(CLOSE_TIMEOUT, self.connection.close()).await);
    }

    fn failure(&self, error: &sqlx::Error) -> Failure {
        Failure {
            sqlstate: sqlstate(error),
            error: classify(error, self.phase, &self.who),
        }
    }

    fn silence(&self) -> Failure {
        let class = if self.phase == Phase::Act {
            ErrorClass::UnknownOutcome
        } else {
            ErrorClass::Network
        };
        Failure {
            sqlstate: None,
            error: ConnectorError::new(
                class,
                format!("{}: no answer within {} s", self.who, STATEMENT_TIMEOUT.as_secs()),
            ),
        }
    }
}

/// A refused statement.
pub(super) struct Failure {
    pub(super) sqlstate: Option<String>,
    pub(super) error: ConnectorError,
}

impl Failure {
    /// The server said: insufficient privilege.
    pub(super) fn is_permission(&self) -> bool {
        self.sqlstate.as_deref() == Some("42501")
    }
}

/// A value of a row; a type that does not fit is our own mistake and says so.
pub(super) fn column<'r, T>(row: &'r PgRow, name: &str) -> Result<T, ConnectorError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    use sqlx::Row as _;
    row.try_get(name).map_err(|_| {
        ConnectorError::new(
            ErrorClass::Policy,
            format!("the server's answer has no readable column `{name}`"),
        )
    })
}

/// What an error means while rows are read, or replaced in a way that may be repeated.
pub(super) fn classify_rows(error: &sqlx::Error, what: &str) -> ConnectorError {
    classify(error, Phase::Read, what)
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .map(std::borrow::Cow::into_owned)
}

/// An error in our terms. The server's details, hints and contexts may repeat values, so only its one-line message
/// is kept.
fn classify(error: &sqlx::Error, phase: Phase, what: &str) -> ConnectorError {
    match error {
        sqlx::Error::Database(database_error) => {
            let refusal = database_error.downcast_ref::<PgDatabaseError>();
            let class = class_of(refusal.code(), refusal.message());
            let note = mend(refusal.code(), refusal.message());
            ConnectorError::new(
                class,
                format!(
                    "{what}: {} (SQLSTATE {}){note}",
                    refusal.message(),
                    refusal.code()
                ),
            )
        }
        sqlx::Error::Tls(problem) => ConnectorError::new(
            ErrorClass::Policy,
            format!("{what}: TLS was refused: {problem}; check sslmode, the host name and ca_pem"),
        ),
        sqlx::Error::Io(problem) if is_certificate_problem(problem) => ConnectorError::new(
            ErrorClass::Policy,
            format!("{what}: TLS was refused: {problem}; check sslmode, the host name and ca_pem"),
        ),
        sqlx::Error::Configuration(_) => ConnectorError::new(
            ErrorClass::Policy,
            format!("{what}: the driver does not take this configuration; check ca_pem"),
        ),
        sqlx::Error::Io(problem) if phase == Phase::Act => ConnectorError::new(
            ErrorClass::UnknownOutcome,
            format!("{what}: the connection was lost before the answer came: {problem}"),
        ),
        sqlx::Error::Io(problem) => ConnectorError::new(ErrorClass::Network, format!("{what}: {problem}")),
        // Everything else is a conversation that went wrong on our side of the wire.
        _ if phase == Phase::Act => ConnectorError::new(
            ErrorClass::UnknownOutcome,
            format!("{what}: the server's answer could not be read"),
        ),
        _ => ConnectorError::new(
            ErrorClass::Network,
            format!("{what}: the server's answer could not be read; is it PostgreSQL 10 or newer?"),
        ),
    }
}

fn is_certificate_problem(problem: &std::io::Error) -> bool {
    problem.kind() == std::io::ErrorKind::InvalidData
}

fn class_of(sqlstate: &str, message: &str) -> ErrorClass {
    match sqlstate {
        // pg_hba.conf refuses the route, whatever the credential.
        "28000" if is_route_refusal(message) => ErrorClass::Policy,
        "28P01" | "28000" => ErrorClass::Authentication,
        "42501" | "0LP01" => ErrorClass::Permission,
        "42710" | "42704" | "2BP01" | "23505" => ErrorClass::Conflict,
        // Somebody changed the same role at the same time: the server says XX000.
        "XX000" if message.contains("concurrently") => ErrorClass::Network,
        // Timeouts, locks, a standby, a full or stopping server.
        "57014" | "55P03" | "40001" | "40P01" | "25006" => ErrorClass::Network,
        code if ["08", "53", "57", "58"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            ErrorClass::Network
        }
        _ => ErrorClass::Policy,
    }
}

/// Refused by pg_hba.conf: says nothing about the credential. The file's name is in the message in every language.
fn is_route_refusal(message: &str) -> bool {
    message.contains("pg_hba")
}

fn mend(sqlstate: &str, message: &str) -> &'static str {
    match sqlstate {
        "28000" if is_route_refusal(message) => {
            "; pg_hba.conf on the server must let this login in from here with scram-sha-256"
        }
        "3D000" => "; check the database name of the issuer",
        "25006" => "; this is a standby: point the issuer at the primary",
        _ => "",
    }
}
