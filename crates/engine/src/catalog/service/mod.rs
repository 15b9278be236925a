//! What people and programs may do with the catalog.

pub mod consumer;
pub mod credential;
pub mod credential_check;
pub mod credential_update;
pub mod issuer;
pub mod issuer_test;
pub mod policy_input;
pub mod views;

pub use consumer::{ConsumerUpdate, CreatedConsumer, NewConsumer};
pub use credential::NewCredential;
pub use credential_update::CredentialUpdate;
pub use issuer::{IssuerUpdate, NewIssuer};
pub use issuer_test::{IssuerCheck, IssuerTest};
pub use policy_input::PolicyInput;

use serde_json::Value;

use crate::access::{Actor, Role};
use crate::name::Name;
use crate::ports::ConnectorError;
use crate::rotation::ErrorClass;
use crate::rule::{Refusal, RuleError};

/// Reads a name, or notes the rule it breaks.
pub(crate) fn parse_name(text: &str, pointer: &str, broken: &mut Vec<RuleError>) -> Option<Name> {
    if text == "new" {
        // The page of that address makes one.
        broken.push(RuleError::new(
            pointer,
            "`new` is taken by the form that makes one; choose another name",
        ));
        return None;
    }
    Name::parse(text)
        .map_err(|error| broken.push(RuleError::new(pointer, error.to_string())))
        .ok()
}

/// A text for people: not longer than `longest` characters, no control characters but line ends.
pub(crate) fn check_text(text: &str, pointer: &str, longest: usize, broken: &mut Vec<RuleError>) {
    let is_control = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if text.chars().count() > longest || text.chars().any(is_control) {
        let detail = format!("at most {longest} characters, none of them a control character");
        broken.push(RuleError::new(pointer, detail));
    }
}

/// Empty and blank mean none.
pub(crate) fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// A configuration that overrides a rule (a flag `allow_…` that is true) is an administrator's decision.
fn require_for_overrides(actor: &Actor, config: &Value) -> Result<(), Refusal> {
    if overrides(config).is_empty() {
        Ok(())
    } else {
        actor.require(Role::Administrator)
    }
}

/// The rules that a configuration overrides, by their flags; each is a finding.
pub fn overrides(config: &Value) -> Vec<String> {
    let fields = config.as_object().into_iter().flatten();
    fields
        .filter(|(name, value)| name.starts_with("allow_") && value.as_bool() == Some(true))
        .map(|(name, _)| name.clone())
        .collect()
}

/// For the audit: which rules were overridden, and why.
fn override_note(config: &Value, reason: Option<&str>) -> String {
    let flags = overrides(config);
    if flags.is_empty() {
        return String::new();
    }
    format!(
        "; overrides {} ({})",
        flags.join(", "),
        reason.unwrap_or("no reason given")
    )
}

/// What was done and, where a person said why, the reason.
fn because(detail: String, reason: Option<&str>) -> String {
    match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{detail}; because: {reason}"),
        None => detail,
    }
}

/// Where the form shows an issuer's answer.
pub(crate) fn rule_of(error: &ConnectorError, on_refused_login: &str, otherwise: &str) -> RuleError {
    let (pointer, words) = match error.class {
        ErrorClass::Authentication => (on_refused_login, "the issuer refused the login"),
        ErrorClass::Permission => (on_refused_login, "the administrator may not do what is needed"),
        ErrorClass::Network | ErrorClass::UnknownOutcome => (otherwise, "the issuer could not be reached"),
        ErrorClass::Policy | ErrorClass::Conflict => (otherwise, "the issuer says no"),
    };
    RuleError::new(pointer, format!("{words}: {}", error.detail))
}

pub(crate) fn check_revision(if_match: Option<i64>, stored: i64) -> Result<(), Refusal> {
    if if_match.is_some_and(|revision| revision != stored) {
        Err(Refusal::Stale)
    } else {
        Ok(())
    }
}
