//! `POST /credentials/new` and `/credentials/{name}/edit`.

use std::collections::BTreeMap;

use api::credential::{CreateCredential, UpdateCredential};
use api::issuer::KIND_POSTGRESQL;
use api::secret::SecretMap;
use api::{Credential, Secret};
use serde::Deserialize;
use serde_json::{Map, Value};

mod hold;
mod policy;

pub use hold::{DeleteForm, HoldForm};

use super::account::nothing;
use super::reading::{filled, is_ticked, names, object, optional_span, required, tick, word, word_of};
use super::{FieldErrors, Form, Values, duration, fields};

/// A credential. Spans are typed as in [`super::duration`].
#[derive(Debug, Deserialize)]
pub struct CredentialForm {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub issuer: String,
    /// The kind of that issuer: says which fields count. Not part of the request.
    #[serde(default)]
    pub issuer_kind: String,
    #[serde(default)]
    pub environment: String,
    /// `database_password`, `api_key` …
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub purpose: String,
    #[serde(default)]
    pub owner_team: String,
    #[serde(default)]
    pub backup_contact: String,
    #[serde(default)]
    pub sensitivity: String,
    /// Parted by commas or spaces.
    #[serde(default)]
    pub tags: String,
    #[serde(default)]
    pub review_every: String,
    #[serde(default)]
    pub strategy: String,
    // PostgreSQL
    #[serde(default)]
    pub role: String,
    #[serde(default)]
    pub probe: String,
    #[serde(default)]
    pub forbidden_probe: String,
    /// `true` or blank: accepts a role that may do more than it should, which becomes a finding.
    #[serde(default)]
    pub allow_privileged_role: String,
    /// Other kinds: an object in JSON.
    #[serde(default)]
    pub config: String,
    /// `true` or blank: an existing login becomes version 1.
    #[serde(default)]
    pub adopt: String,
    #[serde(default)]
    pub initial_username: String,
    #[serde(default = "nothing")]
    pub initial_password: Secret,
    /// Names, each a field of its own or all in one.
    #[serde(default)]
    pub consumers: Vec<String>,
    // Policy
    #[serde(default)]
    pub max_age: String,
    #[serde(default)]
    pub grace: String,
    #[serde(default)]
    pub soak: String,
    /// `5, 25, 100`
    #[serde(default)]
    pub waves: String,
    #[serde(default)]
    pub approvals: String,
    /// `signals` or `acks_and_probe`
    #[serde(default)]
    pub evidence: String,
    #[serde(default)]
    pub max_hold: String,
    #[serde(default)]
    pub rollback_drain: String,
    #[serde(default)]
    pub yellow_from: String,
    #[serde(default)]
    pub red_from: String,
    #[serde(default)]
    pub schedule_hold: String,
    #[serde(default)]
    pub override_reason: String,
    /// The revision that was read, for `If-Match`.
    #[serde(default)]
    pub revision: String,
}

impl CredentialForm {
    /// What a new credential's form starts with, for an issuer of that kind.
    pub fn blank(issuer: &str, issuer_kind: &str, environment: &str) -> Self {
        let is_database = issuer_kind == KIND_POSTGRESQL;
        let mut form = Self::empty();
        form.issuer = issuer.into();
        form.issuer_kind = issuer_kind.into();
        form.environment = environment.into();
        form.kind = if is_database {
            "database_password"
        } else {
            "api_key"
        }
        .into();
        form.strategy = if is_database { "alternating" } else { "dual" }.into();
        form.sensitivity = "medium".into();
        if is_database {
            form.probe = "select 1".into();
        }
        form.max_age = "90 days".into();
        form.grace = "7 days".into();
        form.soak = "5 minutes".into();
        form.waves = "5, 25, 100".into();
        form.approvals = "0".into();
        form.evidence = "signals".into();
        form.max_hold = "1 hour".into();
        form.rollback_drain = "30 seconds".into();
        form.yellow_from = "1 hour".into();
        form.red_from = "30 days".into();
        form
    }

    /// What the edit form starts with.
    pub fn of(credential: &Credential, issuer_kind: &str) -> Self {
        let mut form = Self::empty();
        form.name.clone_from(&credential.name);
        form.issuer.clone_from(&credential.issuer);
        form.issuer_kind = issuer_kind.into();
        form.environment.clone_from(&credential.environment);
        form.kind.clone_from(&credential.kind);
        form.purpose.clone_from(&credential.purpose);
        form.owner_team = credential.owner_team.clone().unwrap_or_default();
        form.backup_contact = credential.backup_contact.clone().unwrap_or_default();
        form.sensitivity = word_of(&credential.sensitivity);
        form.tags = credential.tags.join(", ");
        form.review_every = credential.review_every.map(duration::write).unwrap_or_default();
        form.strategy = word_of(&credential.strategy);
        form.consumers.clone_from(&credential.consumers);
        form.schedule_hold = credential.schedule_hold.clone().unwrap_or_default();
        form.revision = credential.revision.to_string();
        form.take_config(&credential.config);
        let policy = &credential.policy;
        form.max_age = duration::write(policy.max_age);
        form.grace = duration::write(policy.grace);
        form.soak = duration::write(policy.soak);
        let waves: Vec<String> = policy.waves.iter().map(u32::to_string).collect();
        form.waves = waves.join(", ");
        form.approvals = policy.approvals.to_string();
        form.evidence = word_of(&policy.evidence);
        form.max_hold = policy.max_hold.map(duration::write).unwrap_or_default();
        form.rollback_drain = policy.rollback_drain.map(duration::write).unwrap_or_default();
        if let Some(thresholds) = &credential.age_thresholds {
            form.yellow_from = duration::write(thresholds.yellow_from);
            form.red_from = duration::write(thresholds.red_from);
        }
        form
    }

    fn take_config(&mut self, config: &Value) {
        if self.issuer_kind == KIND_POSTGRESQL {
            let text = |member: &str| config[member].as_str().unwrap_or_default().to_owned();
            self.role = text("role");
            self.probe = text("probe");
            self.forbidden_probe = text("forbidden_probe");
            self.allow_privileged_role = tick(config["allow_privileged_role"] == true);
        } else if config.as_object().is_some_and(|members| !members.is_empty()) {
            self.config = serde_json::to_string_pretty(config).unwrap_or_default();
        }
    }

    /// For `POST /api/v1/credentials`.
    ///
    /// # Errors
    /// By field.
    pub fn to_request(self) -> Result<CreateCredential, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = required(&mut errors, "name", &self.name, "Give it a name.");
        let issuer = required(&mut errors, "issuer", &self.issuer, "Choose the issuer.");
        let words = "Name the environment, such as production.";
        let environment = required(&mut errors, "environment", &self.environment, words);
        let kind = required(&mut errors, "kind", &self.kind, "Choose one of the list.");
        let purpose = self.read_purpose(&mut errors);
        let sensitivity = word(&mut errors, "sensitivity", &self.sensitivity);
        let strategy = word(&mut errors, "strategy", &self.strategy);
        let config = self.read_config(&mut errors);
        let policy = self.read_policy(&mut errors);
        let age_thresholds = self.read_thresholds(&mut errors);
        let review_every = optional_span(&mut errors, "review_every", &self.review_every);
        let (owner_team, backup_contact) = (filled(&self.owner_team), filled(&self.backup_contact));
        let (consumers, tags) = (names(&self.consumers), names(std::slice::from_ref(&self.tags)));
        let override_reason = filled(&self.override_reason);
        let initial = self.read_initial(&mut errors);
        match (sensitivity, strategy) {
            (Some(sensitivity), Some(strategy)) => errors.or(CreateCredential {
                name,
                kind,
                issuer,
                owner_team,
                backup_contact,
                purpose,
                sensitivity,
                environment,
                strategy,
                config,
                consumers,
                tags: (!tags.is_empty()).then_some(tags),
                review_every,
                policy,
                age_thresholds,
                initial,
                override_reason,
            }),
            _ => Err(errors),
        }
    }

    /// For `PATCH /api/v1/credentials/{name}`: everything that the form shows, so a text that was cleared is sent blank.
    ///
    /// # Errors
    /// By field.
    pub fn to_update(&self) -> Result<UpdateCredential, FieldErrors> {
        let mut errors = FieldErrors::default();
        let purpose = self.read_purpose(&mut errors);
        let sensitivity = word(&mut errors, "sensitivity", &self.sensitivity);
        let config = self.read_config(&mut errors);
        let policy = self.read_policy(&mut errors);
        let age_thresholds = self.read_thresholds(&mut errors);
        let review_every = optional_span(&mut errors, "review_every", &self.review_every);
        errors.or(UpdateCredential {
            owner_team: Some(self.owner_team.trim().to_owned()),
            backup_contact: Some(self.backup_contact.trim().to_owned()),
            purpose: Some(purpose),
            sensitivity,
            config: Some(config),
            consumers: Some(names(&self.consumers)),
            tags: Some(names(std::slice::from_ref(&self.tags))),
            review_every,
            policy: Some(policy),
            age_thresholds,
            schedule_hold: Some(self.schedule_hold.trim().to_owned()),
            override_reason: filled(&self.override_reason),
        })
    }

    fn read_purpose(&self, errors: &mut FieldErrors) -> String {
        let words = "Say what it is for: whoever meets it at three in the morning will thank you.";
        required(errors, "purpose", &self.purpose, words)
    }

    fn read_config(&self, errors: &mut FieldErrors) -> Value {
        if self.issuer_kind != KIND_POSTGRESQL {
            return object(errors, "config", &self.config).unwrap_or_else(|| Value::Object(Map::new()));
        }
        let words = "Name the role that holds the privileges.";
        let role = required(errors, "role", &self.role, words);
        let mut config = Map::from_iter([("role".to_owned(), Value::String(role))]);
        for (member, typed) in [("probe", &self.probe), ("forbidden_probe", &self.forbidden_probe)] {
            if let Some(statement) = filled(typed) {
                config.insert(member.to_owned(), Value::String(statement));
            }
        }
        if is_ticked(&self.allow_privileged_role) {
            config.insert("allow_privileged_role".to_owned(), Value::Bool(true));
        }
        Value::Object(config)
    }

    fn read_initial(self, errors: &mut FieldErrors) -> Option<SecretMap> {
        if !is_ticked(&self.adopt) {
            return None;
        }
        let words = "Name the login that is in use now.";
        let username = required(errors, "initial_username", &self.initial_username, words);
        if self.initial_password.is_empty() {
            errors.refuse(
                "initial_password",
                "Type its password. It never comes back to the page.",
            );
        }
        Some(BTreeMap::from([
            ("username".to_owned(), Secret::new(username)),
            ("password".to_owned(), self.initial_password),
        ]))
    }

    fn empty() -> Self {
        let blank = String::new;
        Self {
            name: blank(),
            issuer: blank(),
            issuer_kind: blank(),
            environment: blank(),
            kind: blank(),
            purpose: blank(),
            owner_team: blank(),
            backup_contact: blank(),
            sensitivity: blank(),
            tags: blank(),
            review_every: blank(),
            strategy: blank(),
            role: blank(),
            probe: blank(),
            forbidden_probe: blank(),
            allow_privileged_role: blank(),
            config: blank(),
            adopt: blank(),
            initial_username: blank(),
            initial_password: nothing(),
            consumers: Vec::new(),
            max_age: blank(),
            grace: blank(),
            soak: blank(),
            waves: blank(),
            approvals: blank(),
            evidence: blank(),
            max_hold: blank(),
            rollback_drain: blank(),
            yellow_from: blank(),
            red_from: blank(),
            schedule_hold: blank(),
            override_reason: blank(),
            revision: blank(),
        }
    }
}

impl Form for CredentialForm {
    fields! {
        text: [
            name, issuer, issuer_kind, environment, kind, purpose, owner_team, backup_contact, sensitivity, tags,
            review_every, strategy, role, probe, forbidden_probe, allow_privileged_role, config, adopt,
            initial_username, max_age, grace, soak, waves, approvals, evidence, max_hold, rollback_drain, yellow_from,
            red_from, schedule_hold, override_reason, revision,
        ],
        lists: [consumers],
        secret: [initial_password]
    }

    fn field_of(pointer: &str, values: &Values) -> Option<&'static str> {
        let is_database = values
            .get("issuer_kind")
            .is_some_and(|kind| kind == KIND_POSTGRESQL);
        let mut parts = pointer.strip_prefix('/')?.split('/');
        let (group, member) = (parts.next()?, parts.next());
        match (group, member) {
            ("config", Some("role")) if is_database => Some("role"),
            ("config", Some("probe")) if is_database => Some("probe"),
            ("config", Some("forbidden_probe")) if is_database => Some("forbidden_probe"),
            ("config", Some("allow_privileged_role")) if is_database => Some("allow_privileged_role"),
            ("config", _) if is_database => Some("role"),
            ("config", _) => Some("config"),
            ("initial", Some("password")) => Some("initial_password"),
            ("initial", _) => Some("initial_username"),
            ("age_thresholds", Some("yellow_from")) => Some("yellow_from"),
            ("age_thresholds", _) => Some("red_from"),
            ("policy", Some(member)) => POLICY_FIELDS.into_iter().find(|field| *field == member),
            ("consumers", _) => Some("consumers"),
            ("tags", _) => Some("tags"),
            (name, None) => PLAIN_FIELDS.into_iter().find(|field| *field == name),
            _ => None,
        }
    }
}

const POLICY_FIELDS: [&str; 8] = [
    "max_age",
    "grace",
    "soak",
    "waves",
    "approvals",
    "evidence",
    "max_hold",
    "rollback_drain",
];

/// Fields that are called as on the wire.
const PLAIN_FIELDS: [&str; 12] = [
    "name",
    "issuer",
    "environment",
    "kind",
    "purpose",
    "owner_team",
    "backup_contact",
    "sensitivity",
    "review_every",
    "strategy",
    "schedule_hold",
    "override_reason",
];
