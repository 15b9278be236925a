//! Settings that stand on a role (`alter role … set …`): they are read at sign-in and not inherited, so every login
//! needs its own copy.

use std::collections::BTreeMap;

use engine::ports::ConnectorError;

use super::session::{Session, column};
use super::sql::{identifier, literal, split_list};

/// What the server takes as a list of names; a single literal would make one name of it.
const LISTS: [&str; 6] = [
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// (database, or none for all; setting) to value.
type Settings = BTreeMap<(Option<String>, String), String>;

/// Gives `login` the settings of `role`, overlaid by those of the login in use, and `role` to act as. Absolute: what
/// stood there before goes. Says which settings only a superuser could have copied.
pub(super) async fn copy_settings(
    session: &mut Session,
    role: &str,
    current_login: Option<&str>,
    login: &str,
) -> Result<Vec<String>, ConnectorError> {
    let mut wanted = read_settings(session, role).await?;
    if let Some(current_login) = current_login {
        wanted.extend(read_settings(session, current_login).await?);
    }
    for (database, setting) in read_settings(session, login).await?.keys() {
        if setting != "role" && !wanted.contains_key(&(database.clone(), setting.clone())) {
            let reset = format!(
                "{} reset {}",
                alter(login, database.as_deref()),
                identifier(setting)
            );
            session.run(&reset).await?;
        }
    }
    let mut skipped = Vec::new();
    for ((database, setting), value) in wanted.iter().filter(|((_, setting), _)| setting != "role") {
        let statement = format!(
            "{} set {} to {}",
            alter(login, database.as_deref()),
            identifier(setting),
            value_sql(setting, value)
        );
        session.run("savepoint setting").await?;
        match session.run_raw(&statement).await {
            Ok(()) => session.run("release savepoint setting").await?,
            Err(failure) if failure.is_permission() => {
                session.run("rollback to savepoint setting").await?;
                skipped.push(setting.clone());
            }
            Err(failure) => return Err(failure.error),
        }
    }
    session
        .run(&format!(
            "alter role {} set role to {}",
            identifier(login),
            literal(role)
        ))
        .await?;
    Ok(skipped)
}

async fn read_settings(session: &mut Session, role: &str) -> Result<Settings, ConnectorError> {
    let rows = session
        .rows(
            "select d.datname::text as database, s.setting from pg_db_role_setting r
             left join pg_database d on d.oid = r.setdatabase
             cross join lateral unnest(r.setconfig) as s(setting)
             where r.setrole = (select oid from pg_roles where rolname::text = $1)",
            &[role],
        )
        .await?;
    let mut settings = Settings::new();
    for row in &rows {
        let assignment: String = column(row, "setting")?;
        if let Some((setting, value)) = assignment.split_once('=') {
            settings.insert((column(row, "database")?, setting.to_owned()), value.to_owned());
        }
    }
    Ok(settings)
}

fn alter(login: &str, database: Option<&str>) -> String {
    match database {
        Some(database) => format!(
            "alter role {} in database {}",
            identifier(login),
            identifier(database)
        ),
        None => format!("alter role {}", identifier(login)),
    }
}

fn value_sql(setting: &str, value: &str) -> String {
    if LISTS.contains(&setting.to_ascii_lowercase().as_str()) {
        let items: Vec<String> = split_list(value).iter().map(|item| literal(item)).collect();
        items.join(", ")
    } else {
        literal(value)
    }
}
