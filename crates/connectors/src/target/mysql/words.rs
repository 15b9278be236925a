//! What an error of the server means.

use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;
use sqlx::mysql::MySqlDatabaseError;

/// An error in our terms. The server's message may name a key, never a plaintext.
pub(super) fn words(error: &sqlx::Error, what: &str) -> ConnectorError {
    match error {
        sqlx::Error::Database(database_error) => {
            let refusal = database_error.downcast_ref::<MySqlDatabaseError>();
            let (class, note) = class_of(refusal.number());
            ConnectorError::new(
                class,
                format!("{what}: {} (error {}){note}", refusal.message(), refusal.number()),
            )
        }
        sqlx::Error::Tls(problem) => refused_tls(what, problem),
        sqlx::Error::Io(problem) if problem.kind() == std::io::ErrorKind::InvalidData => {
            refused_tls(what, problem)
        }
        sqlx::Error::Configuration(_) => refuse(format!(
            "{what}: the driver does not take this configuration; check ca_pem"
        )),
        sqlx::Error::Protocol(problem) if problem.contains("authentication plugin") => refuse(format!(
            "{what}: {problem}; give this account caching_sha2_password (MySQL) or mysql_native_password (MariaDB)"
        )),
        sqlx::Error::Io(problem) => ConnectorError::new(ErrorClass::Network, format!("{what}: {problem}")),
        _ => ConnectorError::new(
            ErrorClass::Network,
            format!(
                "{what}: the server's answer could not be read; is it MySQL 8 or MariaDB 10.6, or newer?"
            ),
        ),
    }
}

fn refused_tls(what: &str, problem: &dyn std::fmt::Display) -> ConnectorError {
    refuse(format!(
        "{what}: TLS was refused: {problem}; check sslmode, the host name and ca_pem"
    ))
}

/// By the server's own number, which says more than its SQLSTATE; and how to mend it.
fn class_of(number: u16) -> (ErrorClass, &'static str) {
    match number {
        // Wrong password, an account of another method, locked or with an expired password.
        1045 | 1698 | 1820 | 1862 | 3118 | 4151 => (ErrorClass::Authentication, ""),
        1044 | 1142 | 1143 | 1227 | 1370 => (
            ErrorClass::Permission,
            "; the login needs select and update on the table",
        ),
        1130 => (
            ErrorClass::Policy,
            "; the server lets nobody in from here: check the host part of the account",
        ),
        1049 => (ErrorClass::Policy, "; check the database name of the target"),
        1406 => (
            ErrorClass::Policy,
            "; the column is too narrow for the new envelope, so nothing was changed: widen it",
        ),
        1290 | 1792 | 1836 => (
            ErrorClass::Network,
            "; this server takes no writes: point the target at the primary",
        ),
        // Somebody's lock, a limit, a time that ran out, a server that stops: later it may work.
        1020
        | 1021
        | 1040
        | 1053
        | 1114
        | 1129
        | 1158..=1161
        | 1203
        | 1205
        | 1213
        | 1226
        | 1317
        | 1927
        | 1969
        | 3024
        | 3572 => (ErrorClass::Network, ""),
        _ => (ErrorClass::Policy, ""),
    }
}

pub(super) fn refuse(detail: String) -> ConnectorError {
    ConnectorError::new(ErrorClass::Policy, detail)
}

pub(super) fn odd() -> ConnectorError {
    refuse("the server's answer does not have the expected columns".to_owned())
}
