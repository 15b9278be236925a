//! Ending the sessions of a login that may no longer sign in.

use std::time::Duration;

use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;

use super::session::{Session, column};
use super::sql::identifier;

const SESSION_END_CHECKS: u32 = 50;
const SESSION_END_PAUSE: Duration = Duration::from_millis(100);

const OWN_SESSIONS: &str = "from pg_stat_activity where usesysid =
    (select oid from pg_roles where rolname::text = $1) and pid <> pg_backend_pid()";

/// Ends every session of a login that can no longer sign in. Gives how many there were.
pub(super) async fn end_sessions(session: &mut Session, login: &str) -> Result<i64, ConnectorError> {
    let listed = count_sessions(session, login).await?;
    for check in 0..SESSION_END_CHECKS {
        if count_sessions(session, login).await? == 0 {
            return Ok(listed);
        }
        // Ask again now and then: a session that was just starting slips through the first time.
        if check % 10 == 0 {
            terminate(session, login).await?;
        } else {
            tokio::time::sleep(SESSION_END_PAUSE).await;
        }
    }
    Err(ConnectorError::new(
        ErrorClass::Network,
        format!("sessions of `{login}` were told to end and have not yet; trying again will count them"),
    ))
}

async fn count_sessions(session: &mut Session, login: &str) -> Result<i64, ConnectorError> {
    let rows = session
        .rows(&format!("select count(*) as sessions {OWN_SESSIONS}"), &[login])
        .await?;
    rows.first().map_or(Ok(0), |row| column(row, "sessions"))
}

/// Ending another's sessions takes membership in its login or in pg_signal_backend. An administrator that has neither
/// lends itself the membership inside a transaction that is rolled back.
async fn terminate(session: &mut Session, login: &str) -> Result<(), ConnectorError> {
    let statement = format!("select pg_terminate_backend(pid) as told {OWN_SESSIONS}");
    let may = session
        .rows(
            "select pg_has_role(current_user, oid, 'usage') or
                (select rolsuper from pg_roles where rolname = current_user) or
                pg_has_role(current_user, 'pg_signal_backend', 'usage') as may
             from pg_roles where rolname::text = $1",
            &[login],
        )
        .await?;
    if may.first().map_or(Ok(true), |row| column::<bool>(row, "may"))? {
        return session.rows(&statement, &[login]).await.map(drop);
    }
    session.run("begin").await?;
    let told = async {
        session
            .run(&format!("grant {} to current_user", identifier(login)))
            .await?;
        session.rows(&statement, &[login]).await
    }
    .await;
    session.run("rollback").await?;
    told.map(drop).map_err(|error| {
        ConnectorError::new(
            error.class,
            format!(
                "{}; let the administrator end sessions: grant pg_signal_backend to <administrator>",
                error.detail
            ),
        )
    })
}
