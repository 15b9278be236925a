//! "Test connection": for a stored issuer and for a form that is not saved yet.

use crate::access::{Actor, Role};
use crate::audit::AuditDraft;
use crate::catalog::Issuer;
use crate::catalog::model::Breaker;
use crate::catalog::service::{NewIssuer, rule_of};
use crate::change::{Change, CommitError, Topic, Write};
use crate::clock::Timestamp;
use crate::name::Name;
use crate::ports::{ConnectorError, Inspection, IssuerAccess, Values};
use crate::rule::Refusal;
use crate::services::Services;

/// What a connection test saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerTest {
    pub ok: bool,
    pub tested_at: Timestamp,
    pub checks: Vec<IssuerCheck>,
    /// Allowed, but worth a finding.
    pub findings: Vec<String>,
}

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerCheck {
    pub name: String,
    pub ok: bool,
    pub detail: String,
}

impl Services {
    /// Tries the connection to a stored issuer, keeps what it found, and closes its breaker when it works.
    ///
    /// # Errors
    /// Not an operator, no such issuer. A failed connection is an answer, not an error.
    pub async fn test_issuer(&self, actor: &Actor, name: &Name) -> Result<IssuerTest, Refusal> {
        actor.require(Role::Operator)?;
        let mut issuer = self.issuer(actor, name).await?;
        let admin = self.opened_admin(&issuer).await?;
        let test = self.try_connection(&issuer, &admin).await;
        let mut change = Change::new().audit(self.test_draft(actor, &issuer, &test));
        let is_news = test.ok && (issuer.findings != test.findings || issuer.breaker != Breaker::default());
        if is_news {
            issuer.findings.clone_from(&test.findings);
            issuer.breaker = Breaker::default();
            change = change.write(Write::UpdateIssuer(issuer)).topic(Topic::Catalog);
        }
        match self.store.commit(change).await {
            // Somebody changed the issuer meanwhile: their test counts.
            Err(CommitError::Stale { .. }) => {
                let issuer = self.issuer(actor, name).await?;
                self.store
                    .commit(Change::new().audit(self.test_draft(actor, &issuer, &test)))
                    .await?;
            }
            other => other?,
        }
        Ok(test)
    }

    /// Tries what a form holds, and stores nothing but the audit entry.
    ///
    /// # Errors
    /// Not an administrator, or rules that need no connection are broken.
    pub async fn test_new_issuer(&self, actor: &Actor, new: &NewIssuer) -> Result<IssuerTest, Refusal> {
        actor.require(Role::Administrator)?;
        let issuer = self.checked_issuer(new)?;
        let test = self.try_connection(&issuer, &new.admin).await;
        self.store
            .commit(Change::new().audit(self.test_draft(actor, &issuer, &test)))
            .await?;
        Ok(test)
    }

    async fn try_connection(&self, issuer: &Issuer, admin: &Values) -> IssuerTest {
        let answer = match self.connectors.of(&issuer.kind) {
            Some(connector) => connector.inspect_issuer(IssuerAccess { issuer, admin }).await,
            None => {
                let detail = format!("there is no connector for `{}`", issuer.kind);
                Err(ConnectorError::new(crate::rotation::ErrorClass::Policy, detail))
            }
        };
        told(answer, self.clock.now())
    }

    fn test_draft(&self, actor: &Actor, issuer: &Issuer, test: &IssuerTest) -> AuditDraft {
        let object = format!("issuer/{}", issuer.name);
        let mut draft = AuditDraft::new(actor, test.tested_at, "issuer.test", object, "connection tested");
        if !test.ok {
            "failed".clone_into(&mut draft.outcome);
        }
        draft
    }
}

fn told(answer: Result<Inspection, ConnectorError>, tested_at: Timestamp) -> IssuerTest {
    let check = |name: &str, ok, detail: String| IssuerCheck {
        name: name.to_owned(),
        ok,
        detail,
    };
    match answer {
        Ok(inspection) => {
            let mut checks = vec![check("sign in", true, inspection.summary)];
            checks.extend(
                inspection
                    .broken_rules
                    .iter()
                    .map(|rule| check("rule", false, rule.detail.clone())),
            );
            checks.extend(
                inspection
                    .findings
                    .iter()
                    .map(|finding| check("finding", true, finding.clone())),
            );
            let ok = inspection.broken_rules.is_empty();
            IssuerTest {
                ok,
                tested_at,
                checks,
                findings: inspection.findings,
            }
        }
        Err(error) => {
            let detail = rule_of(&error, "", "").detail;
            IssuerTest {
                ok: false,
                tested_at,
                checks: vec![check("sign in", false, detail)],
                findings: Vec::new(),
            }
        }
    }
}
