//! What the server's catalogs say of roles.

use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;

use super::session::{Session, column};

/// Who the administrator is and what it may do.
pub(super) struct Administrator {
    pub(super) name: String,
    pub(super) version: i32,
    pub(super) version_text: String,
    pub(super) is_superuser: bool,
    pub(super) may_create_roles: bool,
    pub(super) may_signal: bool,
}

impl Administrator {
    pub(super) async fn look(session: &mut Session) -> Result<Self, ConnectorError> {
        let rows = session
            .rows(
                "select current_user::text as name, current_setting('server_version_num')::int4 as version,
                        current_setting('server_version') as version_text, rolsuper, rolcreaterole,
                        pg_has_role(current_user, 'pg_signal_backend', 'usage') as may_signal
                 from pg_roles where rolname = current_user",
                &[],
            )
            .await?;
        let Some(row) = rows.first() else {
            return Err(ConnectorError::new(
                ErrorClass::Policy,
                "the server does not know its own user",
            ));
        };
        Ok(Self {
            name: column(row, "name")?,
            version: column(row, "version")?,
            version_text: column(row, "version_text")?,
            is_superuser: column(row, "rolsuper")?,
            may_create_roles: column(row, "rolcreaterole")?,
            may_signal: column(row, "may_signal")?,
        })
    }
}

/// Whether the role may sign in; none when there is no such role.
pub(super) async fn login_right(session: &mut Session, role: &str) -> Result<Option<bool>, ConnectorError> {
    let rows = session
        .rows(
            "select rolcanlogin from pg_roles where rolname::text = $1",
            &[role],
        )
        .await?;
    rows.first().map(|row| column(row, "rolcanlogin")).transpose()
}

/// Whether a login is a member of the role, and how many objects it owns in all databases.
pub(super) async fn membership(
    session: &mut Session,
    login: &str,
    role: &str,
) -> Result<(bool, i64), ConnectorError> {
    let rows = session
        .rows(
            "select pg_has_role(login.oid, role.oid, 'member') as is_member,
                    (select count(*) from pg_shdepend d where d.refclassid = 'pg_authid'::regclass
                        and d.refobjid = login.oid and d.deptype = 'o') as owned
             from pg_roles login, pg_roles role where login.rolname::text = $1 and role.rolname::text = $2",
            &[login, role],
        )
        .await?;
    rows.first().map_or(Ok((false, 0)), |row| {
        Ok((column(row, "is_member")?, column(row, "owned")?))
    })
}

/// What a role may do beyond its grants, in words.
pub(super) async fn privileges(session: &mut Session, role: &str) -> Result<Vec<String>, ConnectorError> {
    let rows = session
        .rows(
            "with recursive holder(oid) as (
                 select oid from pg_roles where rolname::text = $1
                 union select m.roleid from pg_auth_members m join holder on m.member = holder.oid)
             select r.rolname::text as name, r.rolname::text = $1 as itself, rolsuper, rolcreaterole, rolcreatedb,
                    rolreplication, rolbypassrls, left(r.rolname::text, 3) = 'pg_' as predefined
             from pg_roles r join holder on holder.oid = r.oid order by r.rolname",
            &[role],
        )
        .await?;
    let mut privileges = Vec::new();
    for row in &rows {
        let name: String = column(row, "name")?;
        let by = if column(row, "itself")? {
            String::new()
        } else {
            format!(" through `{name}`")
        };
        for (attribute, word) in [
            ("rolsuper", "superuser"),
            ("rolcreaterole", "createrole"),
            ("rolcreatedb", "createdb"),
            ("rolreplication", "replication"),
            ("rolbypassrls", "bypassrls"),
        ] {
            if column(row, attribute)? {
                privileges.push(format!("{word}{by}"));
            }
        }
        if column(row, "predefined")? {
            privileges.push(format!("predefined role {name}"));
        }
    }
    Ok(privileges)
}
