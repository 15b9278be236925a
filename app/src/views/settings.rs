//! Settings: how this server runs, who may enter, what is frozen.

use std::time::Duration;

use time::OffsetDateTime;

use super::credential::FindingLine;
use super::frame::{Freeze, Role};

#[derive(Clone, Debug, PartialEq)]
pub struct SettingsView {
    /// What the server runs with, in reading order and without secrets: (name, value, where it comes from).
    pub running: Vec<SettingLine>,
    /// What is not as it should be with the server itself: a root key unsealed beside the database, and the like.
    pub findings: Vec<FindingLine>,
    pub thresholds: Thresholds,
    /// Empty for those who may not administer.
    pub people: Vec<PersonLine>,
    pub tokens: Vec<ApiTokenLine>,
    pub freezes: Vec<Freeze>,
    pub wrapping_key: WrappingKeyLine,
    pub may_administer: bool,
    pub may_operate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingLine {
    pub name: String,
    pub value: String,
    pub source: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PersonLine {
    pub name: String,
    pub display_name: String,
    pub role: Role,
    pub disabled: bool,
    /// Without one, only a sign-in link opens the account.
    pub has_password: bool,
    pub last_sign_in: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ApiTokenLine {
    pub id: String,
    pub name: String,
    /// Its last four characters, to tell tokens apart.
    pub hint: String,
    pub role: Role,
    pub scopes: Vec<String>,
    pub expires_at: Option<OffsetDateTime>,
    pub last_used: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WrappingKeyLine {
    pub version: u64,
    pub since: OffsetDateTime,
    pub sealed_values: u64,
    /// Values still wrapped by an older version.
    pub to_rewrap: u64,
}

/// Limits that hold where a credential names none of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    pub yellow_from: Duration,
    pub red_from: Duration,
    /// Silence after which an instance counts as absent.
    pub instance_ttl: Duration,
}
