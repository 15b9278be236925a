//! What a table looks like, and the statements that follow from it.

use engine::ports::ConnectorError;
use engine::rotation::ErrorClass;

use super::super::sql::identifier;
use super::TableConfig;

/// A column as the catalog has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// As `format_type` writes it, with its schema where that is needed.
    pub(super) of_type: String,
    pub(super) is_required: bool,
}

/// A table with everything that statements need.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    table: String,
    key: Vec<Column>,
    column: String,
    /// `bytea`, else text.
    pub(super) is_binary: bool,
    fields: Vec<String>,
}

impl Shape {
    /// Checks that the table can be scanned without gaps and its values compared.
    pub(super) fn of(
        config: &TableConfig,
        columns: &[Column],
        unique: &[Vec<String>],
        primary: &[String],
        fields: &[String],
    ) -> Result<Self, ConnectorError> {
        let find = |name: &str| {
            columns
                .iter()
                .find(|column| column.name == name)
                .cloned()
                .ok_or_else(|| refuse(format!("there is no column `{name}` in this table")))
        };
        let wanted = if config.fields.key.is_empty() {
            primary
        } else {
            &config.fields.key
        };
        if wanted.is_empty() {
            return Err(refuse(
                "the table has no primary key; name in `key` the columns that tell its rows apart".to_owned(),
            ));
        }
        let key = wanted
            .iter()
            .map(|name| find(name))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(column) = key.iter().find(|column| !column.is_required) {
            return Err(refuse(format!(
                "key column `{}` may be null, so a scan could miss rows; choose columns that are not null",
                column.name
            )));
        }
        let is_unique = |index: &Vec<String>| index.iter().all(|part| wanted.contains(part));
        if !unique.iter().any(is_unique) {
            return Err(refuse(
                "no unique index stands on these key columns, so rows cannot be told apart".to_owned(),
            ));
        }
        let column = find(&config.fields.column)?;
        let is_binary = column.of_type == "bytea";
        if !is_binary && !matches!(column.of_type.as_str(), "text" | "character varying") {
            return Err(refuse(format!(
                "column `{}` is of type {}; envelopes stand in bytea, text or varchar",
                column.name, column.of_type
            )));
        }
        for field in fields {
            find(field)?;
        }
        Ok(Self {
            table: format!(
                "{}.{}",
                identifier(&config.schema),
                identifier(&config.fields.table)
            ),
            key,
            column: identifier(&config.fields.column),
            is_binary,
            fields: fields.iter().map(|field| identifier(field)).collect(),
        })
    }

    pub(super) fn table(&self) -> &str {
        &self.table
    }

    pub(super) fn key_length(&self) -> usize {
        self.key.len()
    }

    pub(super) fn field_count(&self) -> usize {
        self.fields.len()
    }

    /// The key of the row that these fields are of; None unless they hold all of it.
    pub(super) fn key_in(&self, fields: &[String]) -> Option<Vec<String>> {
        self.keys()
            .map(|key| {
                let position = self.fields.iter().position(|field| *field == key)?;
                fields.get(position).cloned()
            })
            .collect()
    }

    fn keys(&self) -> impl Iterator<Item = String> + '_ {
        self.key.iter().map(|column| identifier(&column.name))
    }

    /// `(k1, k2)`
    fn tuple(&self) -> String {
        format!("({})", self.keys().collect::<Vec<_>>().join(", "))
    }

    /// `($3::text::bigint, $4::text::uuid)` from parameter `first` on.
    fn tuple_of_parameters(&self, first: usize) -> String {
        let parameters: Vec<String> = self
            .key
            .iter()
            .zip(first..)
            .map(|(column, number)| format!("${number}::text::{}", column.of_type))
            .collect();
        format!("({})", parameters.join(", "))
    }

    fn order(&self) -> String {
        self.keys().collect::<Vec<_>>().join(", ")
    }

    fn selected_keys(&self) -> String {
        self.keys()
            .zip(0..)
            .map(|(key, number)| format!("{key}::text as k{number}"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Keys, the value and the fields, after `after` parameters and up to `through` parameters.
    pub(super) fn scan(&self, has_after: bool, has_through: bool, limit: u32) -> String {
        let mut conditions = vec![format!("{} is not null", self.column)];
        let mut next = 1;
        if has_after {
            conditions.push(format!("{} > {}", self.tuple(), self.tuple_of_parameters(next)));
            next += self.key.len();
        }
        if has_through {
            conditions.push(format!("{} <= {}", self.tuple(), self.tuple_of_parameters(next)));
        }
        format!(
            "select {} from {} where {} order by {} limit {limit}",
            self.selected(),
            self.table,
            conditions.join(" and "),
            self.order()
        )
    }

    fn selected(&self) -> String {
        let mut selected = self.selected_keys();
        selected.push_str(&format!(", {} as stored", self.column));
        for (field, number) in self.fields.iter().zip(0..) {
            selected.push_str(&format!(", {field}::text as f{number}"));
        }
        selected
    }

    /// `unnest($1::text[]::bigint[], $2::bytea[]) as d(k0, before)`: keys first, then these.
    fn given(&self, values: &[&str]) -> String {
        let value_type = if self.is_binary { "bytea[]" } else { "text[]" };
        let mut arrays: Vec<String> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for (column, number) in self.key.iter().zip(0..) {
            arrays.push(format!("${}::text[]::{}[]", number + 1, column.of_type));
            names.push(format!("k{number}"));
        }
        for (value, number) in values.iter().zip(self.key.len() + 1..) {
            arrays.push(format!("${number}::{value_type}"));
            names.push((*value).to_owned());
        }
        format!("unnest({}) as d({})", arrays.join(", "), names.join(", "))
    }

    fn matches(&self, left: &str, right: &str) -> String {
        self.keys()
            .zip(0..)
            .map(|(key, number)| format!("{left}.{key} = {right}.k{number}"))
            .collect::<Vec<_>>()
            .join(" and ")
    }

    /// These rows as they are now.
    pub(super) fn read(&self) -> String {
        let selected = self
            .keys()
            .zip(0..)
            .map(|(key, number)| format!("t.{key}::text as k{number}"))
            .chain([format!("t.{} as stored", self.column)])
            .chain(
                self.fields
                    .iter()
                    .zip(0..)
                    .map(|(field, number)| format!("t.{field}::text as f{number}")),
            )
            .collect::<Vec<_>>()
            .join(", ");
        format!(
            "select {selected} from {} as t join {} on {} where t.{} is not null",
            self.table,
            self.given(&[]),
            self.matches("t", "d"),
            self.column
        )
    }

    /// Compare and swap of many rows in one statement. Rows that somebody holds are left: we never wait for one lock
    /// while holding another, so nobody's transaction is ever ended by a deadlock with us.
    pub(super) fn replace(&self) -> String {
        let same_bytes = if self.is_binary {
            format!("t.{} = d.before", self.column)
        } else {
            format!("t.{} collate \"C\" = d.before collate \"C\"", self.column)
        };
        let held_keys = (0..self.key.len())
            .map(|number| format!("d.k{number}"))
            .collect::<Vec<_>>()
            .join(", ");
        let returned = self
            .keys()
            .zip(0..)
            .map(|(key, number)| format!("t.{key}::text as k{number}"))
            .collect::<Vec<_>>()
            .join(", ");
        format!(
            "with held as materialized (select {held_keys}, d.after from {table} as t join {given} on {on} \
             where {same_bytes} for update of t skip locked) \
             update {table} as t set {column} = held.after from held where {on_held} returning {returned}",
            table = self.table,
            given = self.given(&["before", "after"]),
            on = self.matches("t", "d"),
            column = self.column,
            on_held = self.matches("t", "held"),
        )
    }

    /// The keys of a sample, in order: every `step`th row.
    pub(super) fn sample(&self, sampled_percent: Option<f64>, step: u64) -> String {
        let sampling = sampled_percent.map_or_else(String::new, |percent| {
            format!(" tablesample system ({percent:.4})")
        });
        let keys: Vec<String> = self.keys().collect();
        let texts = keys
            .iter()
            .zip(0..)
            .map(|(key, number)| format!("{key}::text as k{number}"))
            .collect::<Vec<_>>()
            .join(", ");
        format!(
            "select {texts} from (select {listed}, row_number() over (order by {listed}) as place from {table}{sampling}) as s \
             where place % {step} = 0 order by place",
            listed = keys.join(", "),
            table = self.table,
            step = step.max(1),
        )
    }
}

fn refuse(detail: String) -> ConnectorError {
    ConnectorError::new(ErrorClass::Policy, detail)
}
