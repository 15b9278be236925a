//! What every table has in its configuration, and how a credential's values are read.

use engine::ports::{ConnectorError, Values};
use engine::rotation::ErrorClass;
use keyring::SecretText;
use serde_json::{Value, json};

use crate::fields::Fields;

/// Table, column and key.
#[derive(Clone, Debug)]
pub(crate) struct TableFields {
    pub(crate) table: String,
    /// Holds the envelopes.
    pub(crate) column: String,
    /// The columns that tell rows apart; empty: those of the primary key.
    pub(crate) key: Vec<String>,
}

impl TableFields {
    /// Reads them from a configuration.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Self {
        let table = name(fields, "table");
        let column = name(fields, "column");
        let key: Vec<String> = match fields.raw("key") {
            None => Vec::new(),
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => several
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            Some(_) => {
                fields.refuse(
                    "key",
                    "expected the names of columns, or nothing for the primary key",
                );
                Vec::new()
            }
        };
        if key.iter().any(|part| !is_name(part)) {
            fields.refuse("key", "expected the names of columns");
        }
        Self { table, column, key }
    }

    /// As it is stored.
    pub(crate) fn put(&self, config: &mut Value) {
        config["table"] = json!(self.table);
        config["column"] = json!(self.column);
        if !self.key.is_empty() {
            config["key"] = json!(self.key);
        }
    }
}

fn name(fields: &mut Fields<'_>, field: &'static str) -> String {
    let name = fields.required_text(field).to_owned();
    if !name.is_empty() && !is_name(&name) {
        fields.refuse(
            field,
            "expected a name, as it stands in the database, without quotes",
        );
    }
    name
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && !name.contains('\0')
}

/// Who signs in: `username` and `password`, or `key_id` and `key`. Either may be missing.
pub(crate) fn login_of(values: Option<&Values>) -> (Option<&SecretText>, Option<&SecretText>) {
    let named = |first: &str, second: &str| {
        values.and_then(|values| values.get(first).or_else(|| values.get(second)))
    };
    (named("username", "key_id"), named("password", "key"))
}

/// A configuration that was checked before it was stored does not read back: our own mistake.
pub(crate) fn unreadable(kind: &str) -> ConnectorError {
    ConnectorError::new(
        ErrorClass::Policy,
        format!("the stored configuration of this {kind} target does not read back; save it again"),
    )
}
