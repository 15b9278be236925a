//! What is done with keys: list, create, test, revoke.

use engine::RuleError;
use engine::catalog::VersionNumber;
use engine::ports::{ConnectorError, Inspection, Issued, Material, Target, Values};
use engine::rotation::ErrorClass;
use keyring::SecretText;
use serde_json::Value;

use super::client::{Effect, HttpClient, unexpected};
use super::config::{IssuerConfig, TargetConfig};
use super::request::RequestTemplate;
use super::template::{Filling, Placeholder};

const ID_LIMIT: usize = 512;

/// One credential's keys at one issuer.
pub(super) struct Keys<'a> {
    config: &'a IssuerConfig,
    client: HttpClient<'a>,
    admin_token: &'a str,
    variables: TargetConfig,
}

/// What a key was seen to do.
enum Seen {
    Works,
    /// 401 or 403.
    Refused(u16),
}

impl<'a> Keys<'a> {
    pub(super) fn new(
        config: &'a IssuerConfig,
        admin: &'a Values,
        target: Option<Target<'_>>,
    ) -> Result<Self, ConnectorError> {
        let admin_token = admin.get("token").map(SecretText::expose_text).ok_or_else(|| {
            ConnectorError::new(ErrorClass::Policy, "the issuer's administrator needs a token")
        })?;
        Ok(Self {
            config,
            client: HttpClient::new(config)?,
            admin_token,
            variables: target.map(TargetConfig::stored).transpose()?.unwrap_or_default(),
        })
    }

    fn filling(&self) -> Filling<'_> {
        Filling {
            admin_token: Some(self.admin_token),
            variables: Some(&self.variables.variables),
            ..Filling::default()
        }
    }

    /// (id, label) of every key.
    async fn list(&self) -> Result<Vec<(String, Option<String>)>, ConnectorError> {
        let answer = self
            .client
            .send("list", &self.config.list, &self.filling(), Effect::Reads)
            .await?;
        if !self.config.list.expects(answer.status) {
            return Err(unexpected("list", answer.status, Effect::Reads));
        }
        let items = answer
            .json
            .as_ref()
            .and_then(|json| json.pointer(&self.config.listed_items))
            .and_then(Value::as_array)
            .ok_or_else(|| {
                ConnectorError::new(
                    ErrorClass::Policy,
                    format!(
                        "list: the answer has no array at `{}` (items_pointer)",
                        self.config.listed_items
                    ),
                )
            })?;
        Ok(items
            .iter()
            .filter_map(|item| {
                let id = item.pointer(&self.config.listed_id).and_then(id_text)?;
                let label = item.pointer(&self.config.listed_label).and_then(Value::as_str);
                Some((id, label.map(str::to_owned)))
            })
            .collect())
    }

    async fn ids_labelled(&self, label: &str) -> Result<Vec<String>, ConnectorError> {
        let keys = self.list().await?;
        Ok(keys
            .into_iter()
            .filter(|(_, found)| found.as_deref() == Some(label))
            .map(|(id, _)| id)
            .collect())
    }

    /// Creates the candidate's key, unless an earlier attempt did whose answer was lost. Keys of ours that belong to
    /// neither of the two living versions are strays: a driver that was held up past its lease made them late.
    pub(super) async fn issue(
        &self,
        (prefix, label): (&str, &str),
        candidate: &Material,
        current_label: Option<&str>,
    ) -> Result<Issued, ConnectorError> {
        let keys = self.list().await?;
        let (mut ours, mut strays) = (Vec::new(), Vec::new());
        for (id, found) in keys {
            match found.as_deref() {
                Some(found) if found == label => ours.push(id),
                Some(found) if is_of(prefix, found) && Some(found) != current_label => {
                    strays.push((id, found.to_owned()));
                }
                _ => {}
            }
        }
        for (id, stray_label) in &strays {
            self.revoke_id(stray_label, candidate, id).await?;
        }
        let mut issued = self.issue_one(label, candidate, ours).await?;
        if !strays.is_empty() {
            let count = strays.len();
            issued
                .detail
                .push_str(&format!("; {count} stray keys of earlier versions were revoked"));
        }
        Ok(issued)
    }

    async fn issue_one(
        &self,
        label: &str,
        candidate: &Material,
        ours: Vec<String>,
    ) -> Result<Issued, ConnectorError> {
        let mut kept = None;
        for id in ours {
            let works = kept.is_none() && matches!(self.try_key(candidate, &id, label).await?, Seen::Works);
            if works {
                kept = Some(id);
            } else {
                // A key whose secret nobody knows is of no use to anyone but a thief.
                self.revoke_id(label, candidate, &id).await?;
            }
        }
        if let Some(identity) = kept {
            let detail = format!("key `{identity}` was already there and works");
            return Ok(Issued {
                identity,
                values: None,
                detail,
            });
        }
        self.create(label, candidate).await
    }

    async fn create(&self, label: &str, candidate: &Material) -> Result<Issued, ConnectorError> {
        let supplied = match &self.config.created_secret {
            Some(_) => None,
            None => Some(key_of(candidate)?),
        };
        let filling = Filling {
            key: supplied.map(SecretText::expose_text),
            label: Some(label),
            ..self.filling()
        };
        let answer = self
            .client
            .send("create", &self.config.create, &filling, Effect::Changes)
            .await?;
        if !self.config.create.expects(answer.status) {
            return Err(unexpected("create", answer.status, Effect::Changes));
        }
        let at = |pointer: &str| answer.json.as_ref().and_then(|json| json.pointer(pointer));
        let missing = |what: &str, pointer: &str| {
            ConnectorError::new(
                ErrorClass::Policy,
                format!(
                    "create: the answer has no {what} at `{pointer}`; the key with label `{label}` was made"
                ),
            )
        };
        let identity = at(&self.config.created_id)
            .and_then(id_text)
            .ok_or_else(|| missing("id", &self.config.created_id))?;
        let values = match &self.config.created_secret {
            None => None,
            Some(pointer) => {
                let secret = at(pointer)
                    .and_then(Value::as_str)
                    .filter(|secret| !secret.is_empty())
                    .ok_or_else(|| missing("secret", pointer))?;
                Some(
                    Values::new()
                        .with("key_id", SecretText::new(identity.clone()))
                        .with("key", SecretText::new(secret.to_owned())),
                )
            }
        };
        let detail = format!("key `{identity}` was created with label `{label}`");
        Ok(Issued {
            identity,
            values,
            detail,
        })
    }

    /// Tests a key, then what it must not be able to do.
    pub(super) async fn verify(&self, label: &str, version: &Material) -> Result<String, ConnectorError> {
        let id = id_of(version).unwrap_or_default();
        match self.try_key(version, &id, label).await? {
            Seen::Works => {}
            Seen::Refused(status) => return Err(unexpected("test", status, Effect::Reads)),
        }
        let mut seen = format!("key `{id}` passed its test");
        if let Some(forbidden) = &self.config.forbidden {
            match self
                .send_as_key("forbidden", forbidden, version, &id, label)
                .await?
            {
                401 | 403 => seen.push_str("; the forbidden request was refused"),
                status if forbidden.expects(status) => {
                    return Err(ConnectorError::new(
                        ErrorClass::Policy,
                        format!("key `{id}` may do too much: the forbidden request was answered {status}"),
                    ));
                }
                status => return Err(unexpected("forbidden", status, Effect::Reads)),
            }
        }
        Ok(seen)
    }

    /// Revokes a key by its id, and whatever else bears the version's label: an attempt whose answer was lost, or a
    /// driver that was held up past its lease, may have left a second one.
    pub(super) async fn revoke(&self, label: &str, version: &Material) -> Result<String, ConnectorError> {
        if !self.config.revoke.uses(&Placeholder::KeyId) {
            return self.revoke_id(label, version, "").await;
        }
        let mut details = Vec::new();
        let known = id_of(version);
        if let Some(id) = &known {
            details.push(self.revoke_id(label, version, id).await?);
        }
        for id in self.ids_labelled(label).await? {
            if known.as_ref() != Some(&id) {
                details.push(self.revoke_id(label, version, &id).await?);
            }
        }
        if details.is_empty() {
            return Ok(format!(
                "there is no key with label `{label}`, so nothing is left to revoke"
            ));
        }
        Ok(details.join("; "))
    }

    async fn revoke_id(&self, label: &str, version: &Material, id: &str) -> Result<String, ConnectorError> {
        let filling = Filling {
            key_id: Some(id).filter(|id| !id.is_empty()),
            key: version.values.get("key").map(SecretText::expose_text),
            label: Some(label),
            ..self.filling()
        };
        let answer = self
            .client
            .send("revoke", &self.config.revoke, &filling, Effect::Changes)
            .await?;
        match answer.status {
            404 | 410 => Ok(format!("key `{id}` was already gone")),
            status if self.config.revoke.expects(status) => Ok(format!("key `{id}` was revoked")),
            status => Err(unexpected("revoke", status, Effect::Changes)),
        }
    }

    /// Sees the dead key refused while the one alive works by the same request.
    pub(super) async fn confirm_refused(
        &self,
        (dead_label, dead): (&str, &Material),
        (alive_label, alive): (&str, &Material),
    ) -> Result<String, ConnectorError> {
        let dead_id = id_of(dead).unwrap_or_default();
        let Seen::Refused(status) = self.try_key(dead, &dead_id, dead_label).await? else {
            return Err(ConnectorError::new(
                ErrorClass::Conflict,
                format!("version {} still passes its test", dead.number),
            ));
        };
        let alive_id = id_of(alive).unwrap_or_default();
        match self.try_key(alive, &alive_id, alive_label).await? {
            Seen::Works => Ok(format!(
                "version {} is refused with {status} while version {} passes the same test",
                dead.number, alive.number
            )),
            Seen::Refused(status) => Err(ConnectorError::new(
                ErrorClass::Authentication,
                format!(
                    "version {} should pass its test and is refused with {status}",
                    alive.number
                ),
            )),
        }
    }

    async fn try_key(&self, version: &Material, id: &str, label: &str) -> Result<Seen, ConnectorError> {
        match self
            .send_as_key("test", &self.config.test, version, id, label)
            .await?
        {
            status @ (401 | 403) => Ok(Seen::Refused(status)),
            status if self.config.test.expects(status) => Ok(Seen::Works),
            status => Err(unexpected("test", status, Effect::Reads)),
        }
    }

    async fn send_as_key(
        &self,
        name: &str,
        request: &RequestTemplate,
        version: &Material,
        id: &str,
        label: &str,
    ) -> Result<u16, ConnectorError> {
        let filling = Filling {
            key: Some(key_of(version)?.expose_text()),
            key_id: Some(id).filter(|id| !id.is_empty()),
            label: Some(label),
            ..self.filling()
        };
        self.client
            .send(name, request, &filling, Effect::Reads)
            .await
            .map(|answer| answer.status)
    }

    /// "Test connection".
    pub(super) async fn inspect_issuer(&self) -> Result<Inspection, ConnectorError> {
        // Templates with variables can be filled only for a credential.
        let needs_variables = |request: &RequestTemplate| {
            request
                .path
                .placeholders()
                .any(|found| matches!(found, Placeholder::Variable(_)))
        };
        let summary = if needs_variables(&self.config.list) {
            format!(
                "{} is configured; its list is asked for each credential",
                self.config.base_url
            )
        } else {
            let keys = self.list().await?;
            format!("{} listed {} keys", self.config.base_url, keys.len())
        };
        Ok(Inspection {
            summary,
            findings: self.config.findings(),
            broken_rules: Vec::new(),
        })
    }

    /// Whether the list can be read for this credential, and an adopted key works.
    pub(super) async fn inspect_target(
        &self,
        adopted: Option<&Material>,
    ) -> Result<Inspection, ConnectorError> {
        let keys = self.list().await?;
        let mut inspection = Inspection {
            summary: format!("{} listed {} keys", self.config.base_url, keys.len()),
            ..Inspection::default()
        };
        let Some(adopted) = adopted else {
            return Ok(inspection);
        };
        let mut refuse = |field: &str, detail: &str| {
            inspection
                .broken_rules
                .push(RuleError::new(format!("/initial/{field}"), detail));
        };
        let id = id_of(adopted);
        if id.is_none() && self.config.revoke.uses(&Placeholder::KeyId) {
            refuse(
                "key_id",
                "the id of the present key is required: it is needed to revoke it later",
            );
        }
        if adopted.values.get("key").is_none_or(SecretText::is_empty) {
            refuse("key", "the present key is required");
            return Ok(inspection);
        }
        match self.try_key(adopted, &id.clone().unwrap_or_default(), "").await? {
            Seen::Works => {}
            Seen::Refused(_) => refuse("key", "the issuer refuses this key"),
        }
        if id.is_some_and(|id| !keys.iter().any(|(listed, _)| *listed == id)) {
            inspection
                .findings
                .push("the present key's id is not in the issuer's list".to_owned());
        }
        Ok(inspection)
    }
}

/// The mark by which a key of ours is known again: which credential, which version.
pub(super) fn label(target: Target<'_>, number: VersionNumber) -> String {
    format!("{}{number}", label_prefix(target))
}

/// What the labels of all versions of a credential begin with.
pub(super) fn label_prefix(target: Target<'_>) -> String {
    format!("rota-{}-v", target.credential)
}

fn is_of(prefix: &str, label: &str) -> bool {
    label
        .strip_prefix(prefix)
        .is_some_and(|number| number.parse::<u64>().is_ok())
}

fn key_of(version: &Material) -> Result<&SecretText, ConnectorError> {
    version.values.get("key").ok_or_else(|| {
        ConnectorError::new(
            ErrorClass::Policy,
            format!("version {} holds no key", version.number),
        )
    })
}

fn id_of(version: &Material) -> Option<String> {
    if !version.identity.is_empty() {
        return Some(version.identity.clone());
    }
    let id = version.values.get("key_id")?.expose_text();
    (!id.is_empty()).then(|| id.to_owned())
}

fn id_text(value: &Value) -> Option<String> {
    let id = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (!id.is_empty() && id.len() <= ID_LIMIT).then_some(id)
}
