//! Signing in as a consumer would, and seeing what that may do.

use engine::ports::{ConnectorError, Material};
use engine::rotation::ErrorClass;

use super::config::{IssuerConfig, TargetConfig};
use super::session::{Session, column};
use super::{login_of, password_of};

/// Signs in, runs the probe that must work and the one that must be refused. Nothing they do stays.
pub(super) async fn verify(
    issuer: &IssuerConfig,
    config: &TargetConfig,
    version: &Material,
) -> Result<String, ConnectorError> {
    let login = login_of(version)?;
    let mut session = Session::consumer(issuer, login, password_of(version)?).await?;
    let seen = run_probes(&mut session, config, login).await;
    session.close().await;
    seen
}

async fn run_probes(
    session: &mut Session,
    config: &TargetConfig,
    login: &str,
) -> Result<String, ConnectorError> {
    let rows = session
        .rows("select pg_catalog.current_setting('role') as acts_as", &[])
        .await?;
    let acts_as: String = rows
        .first()
        .map_or_else(|| Ok(String::new()), |row| column(row, "acts_as"))?;
    let mut seen = format!("`{login}` signed in");
    if acts_as != "none" {
        seen.push_str(&format!(" acting as `{acts_as}`"));
    }
    session.run("begin").await?;
    session.run_one(&config.probe).await.map_err(|failure| {
        ConnectorError::new(
            failure.error.class,
            format!("the probe did not work: {}", failure.error.detail),
        )
    })?;
    session.run("rollback").await?;
    seen.push_str("; the probe worked");
    if let Some(statement) = &config.forbidden_probe {
        session.run("begin").await?;
        match session.run_one(statement).await {
            Err(failure) if failure.is_permission() => seen.push_str("; the forbidden probe was refused"),
            Err(failure) => {
                return Err(ConnectorError::new(
                    match failure.error.class {
                        ErrorClass::Network | ErrorClass::UnknownOutcome => failure.error.class,
                        _ => ErrorClass::Policy,
                    },
                    format!(
                        "the forbidden probe failed for another reason than missing permission (42501), so it \
                         proves nothing: {}",
                        failure.error.detail
                    ),
                ));
            }
            Ok(()) => {
                return Err(ConnectorError::new(
                    ErrorClass::Policy,
                    format!("`{login}` may do too much: the forbidden probe was not refused"),
                ));
            }
        }
        session.run("rollback").await?;
    }
    Ok(seen)
}

/// Sees the dead version refused for its password while the one alive signs in by the same route.
pub(super) async fn confirm_refused(
    issuer: &IssuerConfig,
    dead: &Material,
    alive: &Material,
) -> Result<String, ConnectorError> {
    let (dead_login, alive_login) = (login_of(dead)?, login_of(alive)?);
    let refusal = match Session::consumer(issuer, dead_login, password_of(dead)?).await {
        Ok(session) => {
            session.close().await;
            return Err(ConnectorError::new(
                ErrorClass::Conflict,
                format!("version {} still signs in as `{dead_login}`", dead.number),
            ));
        }
        // The class holds only what the server said of the credential itself; pg_hba.conf has another.
        Err(error) if error.class == ErrorClass::Authentication => error.detail,
        Err(error) => return Err(error),
    };
    let session = Session::consumer(issuer, alive_login, password_of(alive)?)
        .await
        .map_err(|error| {
            ConnectorError::new(
                error.class,
                format!(
                    "version {} should sign in and does not: {}",
                    alive.number, error.detail
                ),
            )
        })?;
    session.close().await;
    Ok(format!(
        "version {} is refused ({refusal}) while version {} signs in as `{alive_login}` by the same route",
        dead.number, alive.number
    ))
}
