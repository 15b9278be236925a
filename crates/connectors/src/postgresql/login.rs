//! Giving a login its password, and taking it away.

use engine::catalog::Strategy;
use engine::ports::{ConnectorError, Issued, Material, Target, Values};
use engine::rotation::ErrorClass;
use keyring::SecretText;

use super::config::{IssuerConfig, TargetConfig};
use super::generation::Generation;
use super::marker::{self, Marker};
use super::session::{Session, column};
use super::session_end::end_sessions;
use super::settings::copy_settings;
use super::sql::{identifier, literal};
use super::{login_of, password_of};

/// One act of the administrator on one credential.
pub(super) struct Act<'a> {
    pub(super) issuer: &'a IssuerConfig,
    pub(super) admin: &'a Values,
    pub(super) target: Target<'a>,
    pub(super) config: &'a TargetConfig,
}

/// What the server has under a login's name.
struct Found {
    marker: Marker,
    can_login: bool,
}

impl Act<'_> {
    /// Makes the server accept the candidate, in one transaction. What it sets is absolute, so repeating it is safe.
    pub(super) async fn issue(
        &self,
        candidate: &Material,
        current: Option<&Material>,
        verifier: &str,
    ) -> Result<Issued, ConnectorError> {
        let login = login_of(candidate)?.to_owned();
        let mut session = Session::administrator(self.issuer, self.admin).await?;
        session.begin_act().await?;
        self.lock(&mut session).await?;
        let issued = match self.config.strategy {
            Strategy::InPlace => {
                let generation = Generation::of(candidate, current);
                self.replace_password(&mut session, &login, verifier, generation)
                    .await
            }
            Strategy::Alternating | Strategy::Dual | Strategy::Reissue => {
                let current_login = current.map(login_of).transpose()?;
                self.fill_slot(&mut session, candidate, current_login, verifier)
                    .await
            }
        };
        let detail = match issued {
            Ok(detail) => detail,
            Err(error) => {
                session.close().await;
                return Err(error);
            }
        };
        session.commit().await?;
        session.close().await;
        Ok(Issued {
            identity: login,
            values: None,
            detail,
        })
    }

    async fn replace_password(
        &self,
        session: &mut Session,
        login: &str,
        verifier: &str,
        generation: Generation,
    ) -> Result<String, ConnectorError> {
        if login != self.config.role {
            return Err(ConnectorError::new(
                ErrorClass::Policy,
                format!(
                    "the version is for login `{login}`, but this credential is `{}`",
                    self.config.role
                ),
            ));
        }
        if self.find(session, login).await?.is_none() {
            return Err(missing_role(login));
        }
        generation.claim(session, login).await?;
        session
            .run(&format!(
                "alter role {} password {}",
                identifier(login),
                literal(verifier)
            ))
            .await?;
        Ok(format!("the password of `{login}` is replaced"))
    }

    async fn fill_slot(
        &self,
        session: &mut Session,
        candidate: &Material,
        current_login: Option<&str>,
        verifier: &str,
    ) -> Result<String, ConnectorError> {
        let login = login_of(candidate)?;
        if current_login == Some(login) || !self.config.slots().iter().any(|slot| slot == login) {
            return Err(ConnectorError::new(
                ErrorClass::Policy,
                format!("login `{login}` cannot take a candidate: it is in use, or not one that Rota makes"),
            ));
        }
        if self.find(session, &self.config.role).await?.is_none() {
            return Err(missing_role(&self.config.role));
        }
        let (role, quoted_login) = (identifier(&self.config.role), identifier(login));
        let created = match self.find(session, login).await? {
            None => {
                session
                    .run(&format!("create role {quoted_login} nologin"))
                    .await?;
                true
            }
            Some(found) => {
                check_owner(login, &found.marker, candidate)?;
                false
            }
        };
        let comment = marker::comment(self.target.credential, candidate.number);
        session
            .run(&format!(
                "comment on role {quoted_login} is {}",
                literal(&comment)
            ))
            .await?;
        session.run(&format!("grant {role} to {quoted_login}")).await?;
        let skipped = copy_settings(session, &self.config.role, current_login, login).await?;
        session
            .run(&format!(
                "alter role {quoted_login} login password {} valid until 'infinity'",
                literal(verifier)
            ))
            .await?;
        let verb = if created { "made" } else { "given a new password" };
        let mut detail = format!("login `{login}` is {verb}; it acts as `{}`", self.config.role);
        if !skipped.is_empty() {
            detail.push_str("; not copied, for want of `grant set on parameter … to <administrator>`: ");
            detail.push_str(&skipped.join(", "));
        }
        Ok(detail)
    }

    /// Takes the login's right to sign in and its password, then ends its sessions.
    pub(super) async fn revoke(&self, version: &Material) -> Result<String, ConnectorError> {
        let login = login_of(version)?.to_owned();
        if self.config.strategy == Strategy::InPlace && !self.holds(&login, version).await? {
            return Ok(format!(
                "nothing is left to revoke: `{login}` has one password, and it is not this version's"
            ));
        }
        let mut session = Session::administrator(self.issuer, self.admin).await?;
        let revoked = if self.config.strategy == Strategy::InPlace {
            self.clear_password(&mut session, &login).await
        } else {
            self.revoke_by(&mut session, &login, version).await
        };
        session.close().await;
        revoked
    }

    /// `in_place`, a first version that is taken back: there is no value to restore, so the login is left without one.
    async fn clear_password(&self, session: &mut Session, login: &str) -> Result<String, ConnectorError> {
        session.begin_act().await?;
        self.lock(session).await?;
        session
            .run(&format!("alter role {} password null", identifier(login)))
            .await?;
        session.commit().await?;
        let ended = end_sessions(session, login).await?;
        Ok(format!(
            "login `{login}` has no password any more; {ended} of its sessions were ended"
        ))
    }

    async fn revoke_by(
        &self,
        session: &mut Session,
        login: &str,
        version: &Material,
    ) -> Result<String, ConnectorError> {
        session.begin_act().await?;
        self.lock(session).await?;
        let is_slot = self.config.slots().iter().any(|slot| slot == login);
        let Some(found) = self.find(session, login).await? else {
            if is_slot {
                self.mark_missing(session, login, version).await?;
            }
            session.commit().await?;
            return Ok(format!(
                "login `{login}` is not there, so nothing is left to revoke"
            ));
        };
        match found.marker {
            Marker::Ours(holder) | Marker::Revoked(holder) if holder > version.number => {
                session.commit().await?;
                return Ok(format!(
                    "login `{login}` holds version {holder} by now, so version {} is already gone",
                    version.number
                ));
            }
            Marker::Other(owner) => {
                session.commit().await?;
                return Ok(format!(
                    "login `{login}` belongs to credential {owner} and is left alone"
                ));
            }
            // Under any other name than a slot's only an adopted login can stand.
            Marker::Absent if is_slot && !(found.can_login && self.holds(login, version).await?) => {
                session.commit().await?;
                return Ok(format!(
                    "login `{login}` was not made by Rota and does not hold this version's password, so it is left alone"
                ));
            }
            Marker::Ours(_) | Marker::Revoked(_) | Marker::Absent => {}
        }
        let quoted_login = identifier(login);
        session
            .run(&format!("alter role {quoted_login} nologin password null"))
            .await?;
        // An adopted login that bears the name of a slot is Rota's from here on; under another name it stays as it is.
        if found.marker != Marker::Absent || is_slot {
            self.mark_revoked(session, login, version).await?;
        }
        session.commit().await?;
        let ended = end_sessions(session, login).await?;
        Ok(format!(
            "login `{login}` may no longer sign in and has no password; {ended} of its sessions were ended"
        ))
    }

    /// The fence against a driver that comes late with this version.
    async fn mark_revoked(
        &self,
        session: &mut Session,
        login: &str,
        version: &Material,
    ) -> Result<(), ConnectorError> {
        let comment = marker::revoked_comment(self.target.credential, version.number);
        session
            .run(&format!(
                "comment on role {} is {}",
                identifier(login),
                literal(&comment)
            ))
            .await
    }

    /// A login that was never made could still be made late: it is made now, unable to sign in, so that it can bear the
    /// mark. An administrator who may not make it could not have made it late either.
    async fn mark_missing(
        &self,
        session: &mut Session,
        login: &str,
        version: &Material,
    ) -> Result<(), ConnectorError> {
        session.run("savepoint missing").await?;
        let made = session
            .run_raw(&format!("create role {} nologin", identifier(login)))
            .await;
        match made {
            Ok(()) => self.mark_revoked(session, login, version).await,
            Err(failure) if failure.is_permission() => session.run("rollback to savepoint missing").await,
            Err(failure) => Err(failure.error),
        }
    }

    /// Whether a login holds this version's password: one that Rota did not make is then the adopted one, else a
    /// stranger's. Where the server lets anybody in (`trust`), that proves nothing.
    async fn holds(&self, login: &str, version: &Material) -> Result<bool, ConnectorError> {
        let password = password_of(version)?;
        let other_password = SecretText::new(format!("not {}", password.expose_text()));
        Ok(self.is_accepted(login, password).await? && !self.is_accepted(login, &other_password).await?)
    }

    async fn is_accepted(&self, login: &str, password: &SecretText) -> Result<bool, ConnectorError> {
        match Session::consumer(self.issuer, login, password).await {
            Ok(session) => {
                session.close().await;
                Ok(true)
            }
            Err(error) if error.class == ErrorClass::Authentication => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// One act on a credential at a time, whatever process it comes from.
    async fn lock(&self, session: &mut Session) -> Result<(), ConnectorError> {
        session
            .rows(
                "select 1 as one from pg_advisory_xact_lock(hashtext($1))",
                &[self.target.credential.as_str()],
            )
            .await
            .map(drop)
    }

    async fn find(&self, session: &mut Session, role: &str) -> Result<Option<Found>, ConnectorError> {
        let rows = session
            .rows(
                "select rolcanlogin, shobj_description(oid, 'pg_authid') as comment
                 from pg_roles where rolname::text = $1",
                &[role],
            )
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let comment: Option<String> = column(row, "comment")?;
        Ok(Some(Found {
            marker: marker::read(comment.as_deref(), self.target.credential),
            can_login: column(row, "rolcanlogin")?,
        }))
    }
}

fn missing_role(role: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorClass::Policy,
        format!(
            "there is no role `{role}`; create it and grant it what the consumers need: create role {} nologin",
            identifier(role)
        ),
    )
}

/// An existing login may be taken only when Rota made it for this credential and nothing newer lives there.
fn check_owner(login: &str, marker: &Marker, candidate: &Material) -> Result<(), ConnectorError> {
    match marker {
        Marker::Ours(holder) if *holder > candidate.number => Err(ConnectorError::new(
            ErrorClass::Conflict,
            format!(
                "login `{login}` already holds version {holder}, which is newer than {}; was Rota's database \
                 restored from a backup?",
                candidate.number
            ),
        )),
        Marker::Revoked(revoked) if *revoked >= candidate.number => Err(ConnectorError::new(
            ErrorClass::Conflict,
            format!(
                "login `{login}` was taken from version {revoked}, so version {} is not let in again; rotate to a new \
                 version",
                candidate.number
            ),
        )),
        Marker::Ours(_) | Marker::Revoked(_) => Ok(()),
        Marker::Other(_) | Marker::Absent => Err(ConnectorError::new(
            ErrorClass::Policy,
            super::inspect::occupied_detail(login, marker),
        )),
    }
}
