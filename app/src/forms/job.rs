//! `POST /reencryptions` and `/reencryptions/{id}`: beginning a job, holding it, turning its pace.

use serde::Deserialize;

use super::reading::{filled, number, required};
use super::{FieldErrors, Form, Values, fields};
use crate::views::reencryption::JobMode;

const SAY_WHY: &str = "Say why: the reason stands in the audit trail.";
const WHOLE: &str = "Write a whole number.";

/// `action=begin`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobForm {
    pub action: String,
    pub target: String,
    pub mode: String,
    /// Blank: every version but the active one.
    pub from: String,
    pub rate: String,
    pub concurrency: String,
    pub batch_size: String,
    pub reason: String,
}

/// A job as asked for; `None` leaves what is usual.
#[derive(Clone, Debug, PartialEq)]
pub struct JobWish {
    pub target: String,
    pub mode: JobMode,
    pub from: Option<u32>,
    /// `None`: as fast as callers allow.
    pub rate: Option<u32>,
    pub concurrency: Option<u32>,
    pub batch_size: Option<u32>,
    pub reason: String,
}

impl JobForm {
    pub const ACTION: &'static str = "begin";

    /// # Errors
    /// By field.
    pub fn to_wish(&self) -> Result<JobWish, FieldErrors> {
        let mut errors = FieldErrors::default();
        let target = required(&mut errors, "target", &self.target, "Choose the target.");
        let mode = JobMode::parse(self.mode.trim());
        if mode.is_none() {
            errors.refuse("mode", "Choose one of the list.");
        }
        let from = number(&mut errors, "from", &self.from, "Write the number of a version.");
        let rate = number(&mut errors, "rate", &self.rate, WHOLE);
        let concurrency = number(&mut errors, "concurrency", &self.concurrency, WHOLE);
        let batch_size = number(&mut errors, "batch_size", &self.batch_size, WHOLE);
        let reason = required(&mut errors, "reason", &self.reason, SAY_WHY);
        match mode {
            Some(mode) => errors.or(JobWish {
                target,
                mode,
                from,
                rate,
                concurrency,
                batch_size,
                reason,
            }),
            None => Err(errors),
        }
    }
}

impl Form for JobForm {
    fields! {
        text: [action, target, mode, from, rate, concurrency, batch_size, reason],
        lists: [],
        secret: []
    }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        field_of(pointer)
    }
}

/// What is done to a job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobActForm {
    pub action: String,
    pub reason: String,
    pub rate: String,
    pub concurrency: String,
    pub batch_size: String,
}

/// A new pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// `None`: as fast as callers allow.
    pub rate: Option<u32>,
    pub concurrency: Option<u32>,
    pub batch_size: Option<u32>,
}

impl JobActForm {
    pub const PAUSE: &'static str = "pause";
    pub const RESUME: &'static str = "resume";
    pub const CANCEL: &'static str = "cancel";
    /// Changes rate, concurrency and batch size; needs no reason.
    pub const TUNE: &'static str = "tune";

    /// # Errors
    /// By field.
    pub fn to_reason(&self) -> Result<String, FieldErrors> {
        let mut errors = FieldErrors::default();
        let reason = required(&mut errors, "reason", &self.reason, SAY_WHY);
        errors.or(reason)
    }

    /// # Errors
    /// By field.
    pub fn to_pace(&self) -> Result<Pace, FieldErrors> {
        let mut errors = FieldErrors::default();
        let pace = Pace {
            rate: number(&mut errors, "rate", &self.rate, WHOLE),
            concurrency: number(&mut errors, "concurrency", &self.concurrency, WHOLE),
            batch_size: number(&mut errors, "batch_size", &self.batch_size, WHOLE),
        };
        errors.or(pace)
    }
}

impl Form for JobActForm {
    fields! { text: [action, reason, rate, concurrency, batch_size], lists: [], secret: [] }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        field_of(pointer)
    }
}

fn field_of(pointer: &str) -> Option<&'static str> {
    let pointer = pointer.strip_prefix("/tuning").unwrap_or(pointer);
    match pointer {
        "/target" => Some("target"),
        "/mode" => Some("mode"),
        "/from" => Some("from"),
        "/rate" => Some("rate"),
        "/concurrency" => Some("concurrency"),
        "/batch_size" => Some("batch_size"),
        "/reason" => Some("reason"),
        _ => None,
    }
}

/// `POST /targets/new` and `/targets/{name}/edit`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TargetForm {
    pub name: String,
    /// As on the wire: `postgresql`, `mysql`, `sqlite`, `redis`, `s3`.
    pub kind: String,
    pub key: String,
    pub credential: String,
    /// An object in JSON; each kind has its own fields.
    pub config: String,
    /// `raw` or `base64`.
    pub encoding: String,
    pub context: String,
    /// `true` or blank.
    pub require_shadow: String,
    /// What the person saw, when a target is changed.
    pub revision: String,
}

/// A target as asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetWish {
    pub name: String,
    pub kind: String,
    pub key: String,
    pub credential: Option<String>,
    pub config: serde_json::Value,
    pub encoding: String,
    pub context: Option<String>,
    pub require_shadow: bool,
}

impl TargetForm {
    /// # Errors
    /// By field.
    pub fn to_wish(&self) -> Result<TargetWish, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = required(&mut errors, "name", &self.name, "Give it a name.");
        let kind = required(&mut errors, "kind", &self.kind, "Choose one of the list.");
        let key = required(&mut errors, "key", &self.key, "Choose the key.");
        let config = super::reading::object(&mut errors, "config", &self.config);
        if config.is_none() {
            errors.refuse("config", "Say where it is, as the example shows.");
        }
        errors.or(TargetWish {
            name,
            kind,
            key,
            credential: filled(&self.credential),
            config: config.unwrap_or_default(),
            encoding: filled(&self.encoding).unwrap_or_else(|| "raw".to_owned()),
            context: filled(&self.context),
            require_shadow: super::reading::is_ticked(&self.require_shadow),
        })
    }
}

impl Form for TargetForm {
    fields! {
        text: [name, kind, key, credential, config, encoding, context, require_shadow, revision],
        lists: [],
        secret: []
    }

    fn field_of(pointer: &str, _: &Values) -> Option<&'static str> {
        match pointer {
            "/name" => Some("name"),
            "/kind" => Some("kind"),
            "/key" => Some("key"),
            "/credential" => Some("credential"),
            "/encoding" => Some("encoding"),
            "/context" => Some("context"),
            _ if pointer.starts_with("/config") => Some("config"),
            _ => None,
        }
    }
}
