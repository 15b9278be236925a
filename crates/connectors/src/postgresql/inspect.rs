//! Looks at a server and at a role before anything relies on them.

use engine::RuleError;
use engine::catalog::Strategy;
use engine::ports::{ConnectorError, Inspection, Material, Target, Values};
use engine::rotation::ErrorClass;

use super::config::{IssuerConfig, TargetConfig};
use super::marker::{self, Marker};
use super::roles::{Administrator, login_right, membership, privileges};
use super::session::{Session, column};
use super::sql::{identifier, literal};
use super::{login_of, password_of};

/// Since this version `createrole` alone does not let an administrator grant a role.
const ADMIN_OPTION_SINCE: i32 = 160_000;
/// The first version with SCRAM.
const OLDEST: i32 = 100_000;

/// "Test connection".
pub(super) async fn inspect_issuer(
    issuer: &IssuerConfig,
    admin: &Values,
) -> Result<Inspection, ConnectorError> {
    let mut session = Session::administrator(issuer, admin).await?;
    let looked = Administrator::look(&mut session).await;
    session.close().await;
    let administrator = looked?;
    let name = &administrator.name;
    let mut inspection = Inspection {
        findings: issuer.findings(),
        ..Inspection::default()
    };
    let rights = if administrator.is_superuser {
        inspection.findings.push(format!(
            "the administrator `{name}` is a superuser, which is more than Rota needs; give it a role of its own: \
             create role rota_admin login createrole password '…'; grant pg_signal_backend to rota_admin"
        ));
        "is a superuser"
    } else if administrator.may_signal {
        "may create roles and end sessions"
    } else {
        "may create roles, and ends sessions by membership in the logins it makes"
    };
    if !administrator.is_superuser && !administrator.may_create_roles {
        inspection.broken_rules.push(RuleError::new(
            "/admin/username",
            format!(
                "`{name}` may not create roles; as a superuser run: alter role {} createrole",
                identifier(name)
            ),
        ));
    }
    if administrator.version < OLDEST {
        inspection.broken_rules.push(RuleError::new(
            "/config/host",
            "this server is older than PostgreSQL 10, which brought SCRAM-SHA-256; upgrade it first",
        ));
    }
    inspection.summary = format!(
        "PostgreSQL {} at {}:{}; `{name}` {rights}",
        administrator.version_text, issuer.server.host, issuer.server.port
    );
    if administrator.version >= ADMIN_OPTION_SINCE && !administrator.is_superuser {
        inspection
            .summary
            .push_str("; from version 16 on it also needs the admin option on each role it hands out");
    }
    Ok(inspection)
}

/// The role of a credential, the logins Rota would use, and an adopted first version.
pub(super) async fn inspect_target(
    issuer: &IssuerConfig,
    admin: &Values,
    target: Target<'_>,
    config: &TargetConfig,
    adopted: Option<&Material>,
) -> Result<Inspection, ConnectorError> {
    let mut session = Session::administrator(issuer, admin).await?;
    let look = Look {
        issuer,
        target,
        config,
        adopted,
    };
    let looked = look.all(&mut session).await;
    session.close().await;
    looked
}

struct Look<'a> {
    issuer: &'a IssuerConfig,
    target: Target<'a>,
    config: &'a TargetConfig,
    adopted: Option<&'a Material>,
}

impl Look<'_> {
    async fn all(&self, session: &mut Session) -> Result<Inspection, ConnectorError> {
        let mut inspection = Inspection::default();
        let role = &self.config.role;
        let Some(can_login) = login_right(session, role).await? else {
            inspection.summary = format!("there is no role `{role}`");
            inspection.broken_rules.push(RuleError::new(
                "/config/role",
                format!(
                    "there is no role `{role}` at {}:{}; create it and grant it what the consumers need: \
                     create role {} {}",
                    self.issuer.server.host,
                    self.issuer.server.port,
                    identifier(role),
                    if self.config.strategy == Strategy::InPlace {
                        "login"
                    } else {
                        "nologin"
                    }
                ),
            ));
            return Ok(inspection);
        };
        inspection.summary = format!("role `{role}` exists");
        self.look_at_privileges(session, role, "/config/role", &mut inspection)
            .await?;
        self.look_at_admin_option(session, &mut inspection).await?;
        if self.config.strategy == Strategy::InPlace {
            self.look_in_place(can_login, &mut inspection);
        } else {
            self.look_at_slots(session, &mut inspection).await?;
        }
        if let Some(adopted) = self.adopted {
            self.look_at_adopted(session, adopted, &mut inspection).await?;
        }
        Ok(inspection)
    }

    /// What a role may do beyond its grants, by itself or through roles it is a member of.
    async fn look_at_privileges(
        &self,
        session: &mut Session,
        role: &str,
        pointer: &str,
        inspection: &mut Inspection,
    ) -> Result<(), ConnectorError> {
        let privileges = privileges(session, role).await?;
        if privileges.is_empty() {
            return Ok(());
        }
        let detail = format!("`{role}` is privileged: {}", privileges.join(", "));
        if self.config.allow_privileged_role {
            inspection
                .findings
                .push(format!("{detail} (allowed by an administrator)"));
        } else {
            inspection.broken_rules.push(RuleError::new(
                pointer,
                format!(
                    "{detail}; use a role with plain grants only, or have an administrator set \
                     config.allow_privileged_role to true, which stays on the list of findings"
                ),
            ));
        }
        Ok(())
    }

    /// PostgreSQL 16 and newer: an administrator grants and alters only roles it has the admin option on.
    async fn look_at_admin_option(
        &self,
        session: &mut Session,
        inspection: &mut Inspection,
    ) -> Result<(), ConnectorError> {
        let administrator = Administrator::look(session).await?;
        if administrator.is_superuser || administrator.version < ADMIN_OPTION_SINCE {
            return Ok(());
        }
        let mut needed = vec![("/config/role", self.config.role.as_str())];
        if let Some(adopted) = self.adopted {
            needed.push(("/initial/username", login_of(adopted)?));
        }
        for (pointer, role) in needed {
            let rows = session
                .rows(
                    "select pg_has_role(current_user, oid, 'MEMBER WITH ADMIN OPTION') as has
                     from pg_roles where rolname::text = $1",
                    &[role],
                )
                .await?;
            if !rows.first().map_or(Ok(true), |row| column::<bool>(row, "has"))? {
                inspection.broken_rules.push(RuleError::new(
                    pointer,
                    format!(
                        "the administrator lacks the admin option on `{role}`; as its owner run: grant {} to {} \
                         with admin option",
                        identifier(role),
                        identifier(&administrator.name)
                    ),
                ));
            }
        }
        Ok(())
    }

    fn look_in_place(&self, can_login: bool, inspection: &mut Inspection) {
        let role = &self.config.role;
        if !can_login {
            inspection.broken_rules.push(RuleError::new(
                "/config/role",
                format!(
                    "`{role}` may not sign in, and in_place changes a login's own password; run: alter role {} login, \
                     or choose alternating",
                    identifier(role)
                ),
            ));
        }
        if self.adopted.is_none() {
            inspection.findings.push(format!(
                "no present password of `{role}` was given, so the first version replaces it: whoever still uses the \
                 old one is cut off"
            ));
        }
    }

    /// A login under a slot's name must be ours; one that is adopted with it is too.
    async fn look_at_slots(
        &self,
        session: &mut Session,
        inspection: &mut Inspection,
    ) -> Result<(), ConnectorError> {
        let adopted_login = self.adopted.map(login_of).transpose()?;
        for slot in self.config.slots() {
            let rows = session
                .rows(
                    "select shobj_description(oid, 'pg_authid') as comment from pg_roles where rolname::text = $1",
                    &[&slot],
                )
                .await?;
            let Some(row) = rows.first() else {
                continue;
            };
            let comment: Option<String> = column(row, "comment")?;
            let marker = marker::read(comment.as_deref(), self.target.credential);
            let is_adopted = adopted_login == Some(slot.as_str()) && marker == Marker::Absent;
            if !is_adopted && !matches!(marker, Marker::Ours(_) | Marker::Revoked(_)) {
                inspection
                    .broken_rules
                    .push(RuleError::new("/config/role", occupied_detail(&slot, &marker)));
            }
        }
        Ok(())
    }

    /// The version that consumers use today must be replaceable by a login of the role.
    async fn look_at_adopted(
        &self,
        session: &mut Session,
        adopted: &Material,
        inspection: &mut Inspection,
    ) -> Result<(), ConnectorError> {
        let (login, role) = (login_of(adopted)?, &self.config.role);
        let mut refuse = |field: &str, detail: String| {
            inspection
                .broken_rules
                .push(RuleError::new(format!("/initial/{field}"), detail));
        };
        if self.config.strategy == Strategy::InPlace {
            if login != role {
                refuse(
                    "username",
                    format!("in_place changes the login `{role}` itself, so give its own password"),
                );
                return Ok(());
            }
        } else {
            if login_right(session, login).await?.is_none() {
                refuse("username", format!("there is no login `{login}`"));
                return Ok(());
            }
            if login == role {
                refuse(
                    "username",
                    format!(
                        "`{login}` cannot be both the role that holds the privileges and an alternating login: move its \
                         privileges to a role of its own, or choose in_place"
                    ),
                );
                return Ok(());
            }
            let (is_member, owned) = membership(session, login, role).await?;
            let (quoted_login, quoted_role) = (identifier(login), identifier(role));
            if !is_member {
                refuse(
                    "username",
                    format!("`{login}` is no member of `{role}`; run: grant {quoted_role} to {quoted_login}"),
                );
            }
            if owned > 0 {
                refuse(
                    "username",
                    format!(
                        "`{login}` owns {owned} object(s), which its successor could not change; run in each database: \
                         reassign owned by {quoted_login} to {quoted_role}"
                    ),
                );
            }
        }
        match Session::consumer(self.issuer, login, password_of(adopted)?).await {
            Ok(consumer) => consumer.close().await,
            Err(error) if error.class == ErrorClass::Authentication => {
                refuse(
                    "password",
                    format!("this password does not sign in: {}", error.detail),
                );
            }
            Err(error) => return Err(error),
        }
        if login != role {
            self.look_at_privileges(session, login, "/initial/username", inspection)
                .await?;
        }
        Ok(())
    }
}

/// Why a login under a slot's name cannot be used, and what to do.
pub(super) fn occupied_detail(login: &str, marker: &Marker) -> String {
    let owner = match marker {
        Marker::Other(credential) => format!("belongs to the Rota credential {credential}"),
        Marker::Absent | Marker::Ours(_) | Marker::Revoked(_) => "was not made by Rota".to_owned(),
    };
    let (quoted, text) = (identifier(login), literal(login));
    format!(
        "the login `{login}` exists already and {owner}, so Rota does not touch it; when nobody needs it (see select * \
         from pg_stat_activity where usename = {text}) run: drop role {quoted}; else rename it: alter role {quoted} \
         rename to …"
    )
}
