//! Settings: how this server runs, who may enter, what is frozen.

use time::OffsetDateTime;

use super::frame::{Freeze, Role};

#[derive(Clone, Debug, PartialEq)]
pub struct SettingsView {
    /// What the server runs with, in reading order and without secrets: (name, value, where it comes from).
    pub running: Vec<SettingLine>,
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
    pub role: Role,
    pub last_sign_in: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ApiTokenLine {
    pub id: String,
    pub name: String,
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
