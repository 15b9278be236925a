//! What a table looks like, and the statements that follow from it.
//!
//! Keys travel as text and are cast to their own type: a number compared with a text would be compared as a double,
//! and two neighbours above 2^53 would be one. Names stand in backticks, which hold in every `sql_mode`; values are
//! parameters, which no escaping rule touches.

use engine::ports::ConnectorError;

use super::TableConfig;
use super::words::refuse;

/// A column as the catalog has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// `bigint`, `varchar`.
    pub(super) of_type: String,
    /// `bigint(20) unsigned`, `decimal(10,2)`.
    pub(super) whole_type: String,
    pub(super) is_nullable: bool,
}

/// A column of the key: how it is read, and how a parameter is compared with it.
#[derive(Clone, Debug)]
struct KeyColumn {
    quoted: String,
    is_binary: bool,
    is_integer: bool,
    parameter: String,
}

/// A table with everything that statements need.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    table: String,
    key: Vec<KeyColumn>,
    column: String,
    /// A blob, else text.
    pub(super) is_binary: bool,
    fields: Vec<String>,
    /// Where the fields of a context hold the key, in its order; None where they do not, or only as bytes.
    key_in_fields: Option<Vec<usize>>,
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
            columns.iter().find(|column| column.name == name).ok_or_else(|| {
                refuse(format!(
                    "there is no column `{name}` in this table that this login sees"
                ))
            })
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
        let mut key = Vec::with_capacity(wanted.len());
        for name in wanted {
            let column = find(name)?;
            if column.is_nullable {
                return Err(refuse(format!(
                    "key column `{name}` may be null, so a scan could miss rows; choose columns that are not null"
                )));
            }
            key.push(KeyColumn::of(column)?);
        }
        let is_unique = |index: &Vec<String>| index.iter().all(|part| wanted.contains(part));
        if !unique.iter().any(is_unique) {
            return Err(refuse(
                "no unique index stands on these key columns, so rows cannot be told apart".to_owned(),
            ));
        }
        let column = find(&config.fields.column)?;
        let is_binary = match column.of_type.as_str() {
            "tinyblob" | "blob" | "mediumblob" | "longblob" | "varbinary" => true,
            "tinytext" | "text" | "mediumtext" | "longtext" | "varchar" => false,
            other => {
                return Err(refuse(format!(
                    "column `{}` is of type {other}; envelopes stand in blob, varbinary, text or varchar",
                    column.name
                )));
            }
        };
        let key_in_fields = if key.iter().any(|key| key.is_binary) {
            None
        } else {
            let position = |name: &String| fields.iter().position(|field| field == name);
            wanted.iter().map(position).collect()
        };
        let fields = fields
            .iter()
            .map(|field| find(field).map(selected_field))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            table: format!("{}.{}", quoted(&config.database), quoted(&config.fields.table)),
            key,
            column: quoted(&column.name),
            is_binary,
            fields,
            key_in_fields,
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
        let positions = self.key_in_fields.as_ref()?;
        positions.iter().map(|at| fields.get(*at).cloned()).collect()
    }

    /// The one integer column that is the key, quoted.
    pub(super) fn integer_key(&self) -> Option<&str> {
        match self.key.as_slice() {
            [only] if only.is_integer => Some(&only.quoted),
            _ => None,
        }
    }

    fn order(&self) -> String {
        let names: Vec<&str> = self.key.iter().map(|key| key.quoted.as_str()).collect();
        names.join(", ")
    }

    fn selected_keys(&self) -> Vec<String> {
        self.key.iter().map(KeyColumn::selected).collect()
    }

    fn selected(&self) -> Vec<String> {
        let mut selected = self.selected_keys();
        selected.push(if self.is_binary {
            self.column.clone()
        } else {
            format!("convert({} using utf8mb4)", self.column)
        });
        selected
    }

    /// The row of one key; a parameter for each of its columns.
    fn is_row(&self) -> String {
        let parts: Vec<String> = self
            .key
            .iter()
            .map(|key| format!("{} = {}", key.quoted, key.parameter))
            .collect();
        format!("({})", parts.join(" and "))
    }

    /// One of so many rows.
    fn is_one_of(&self, rows: usize) -> String {
        vec![self.is_row(); rows].join(" or ")
    }

    /// What comes after a key, or up to and with it: one alternative for each of its columns, each a range of the
    /// index; a comparison of whole rows would read the index from its beginning. [`parameters_of`] has the values.
    fn beyond(&self, is_after: bool) -> String {
        let last = self.key.len() - 1;
        let alternatives: Vec<String> = (0..=last)
            .map(|place| {
                let mut parts: Vec<String> = self.key[..place]
                    .iter()
                    .map(|key| format!("{} = {}", key.quoted, key.parameter))
                    .collect();
                let key = &self.key[place];
                let sign = match (is_after, place == last) {
                    (true, _) => ">",
                    (false, true) => "<=",
                    (false, false) => "<",
                };
                parts.push(format!("{} {sign} {}", key.quoted, key.parameter));
                format!("({})", parts.join(" and "))
            })
            .collect();
        format!("({})", alternatives.join(" or "))
    }

    /// Keys, the value and the fields.
    pub(super) fn scan(&self, has_after: bool, has_through: bool, limit: u32) -> String {
        let mut conditions = vec![format!("{} is not null", self.column)];
        if has_after {
            conditions.push(self.beyond(true));
        }
        if has_through {
            conditions.push(self.beyond(false));
        }
        format!(
            "select {} from {} where {} order by {} limit {limit}",
            self.selected_with_fields(),
            self.table,
            conditions.join(" and "),
            self.order()
        )
    }

    fn selected_with_fields(&self) -> String {
        let mut selected = self.selected();
        selected.extend(self.fields.iter().cloned());
        selected.join(", ")
    }

    /// So many rows as they are now.
    pub(super) fn read(&self, rows: usize) -> String {
        format!(
            "select {} from {} where {} is not null and ({})",
            self.selected_with_fields(),
            self.table,
            self.column,
            self.is_one_of(rows)
        )
    }

    /// Locks so many rows and gives keys and values. Rows that somebody holds are left: we never wait for one lock
    /// while holding another, so nobody's transaction is ever ended by a deadlock with us.
    pub(super) fn hold(&self, rows: usize) -> String {
        format!(
            "select {} from {} where {} is not null and ({}) for update skip locked",
            self.selected().join(", "),
            self.table,
            self.column,
            self.is_one_of(rows)
        )
    }

    /// Puts new values into so many held rows: for each the key and the value, then the keys again.
    pub(super) fn put(&self, rows: usize) -> String {
        let alternatives = vec![format!("when {} then ?", self.is_row()); rows].join(" ");
        format!(
            "update {} set {} = case {alternatives} end where {}",
            self.table,
            self.column,
            self.is_one_of(rows)
        )
    }

    /// The key that stands `offset` rows further.
    pub(super) fn step(&self, has_after: bool, offset: u64) -> String {
        let condition = if has_after {
            format!(" where {}", self.beyond(true))
        } else {
            String::new()
        };
        format!(
            "select {} from {}{condition} order by {} limit 1 offset {offset}",
            self.selected_keys().join(", "),
            self.table,
            self.order()
        )
    }
}

/// The values of [`Shape::beyond`]: the first column's; the first's and the second's; and so on.
pub(super) fn parameters_of(keys: &[String]) -> impl Iterator<Item = &String> {
    (1..=keys.len()).flat_map(|length| &keys[..length])
}

impl KeyColumn {
    fn of(column: &Column) -> Result<Self, ConnectorError> {
        let is_unsigned = column.whole_type.contains("unsigned");
        let parameter = match column.of_type.as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" if is_unsigned => {
                "cast(? as unsigned)".to_owned()
            }
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => "cast(? as signed)".to_owned(),
            "year" => "cast(? as unsigned)".to_owned(),
            "decimal" => {
                let digits = column.whole_type.split(['(', ')']).nth(1).unwrap_or("65,30");
                format!("cast(? as decimal({digits}))")
            }
            "char" | "varchar" => "?".to_owned(),
            "binary" | "varbinary" => "unhex(?)".to_owned(),
            "date" => "cast(? as date)".to_owned(),
            "datetime" | "timestamp" => "cast(? as datetime(6))".to_owned(),
            "time" => "cast(? as time(6))".to_owned(),
            "uuid" => "cast(? as uuid)".to_owned(),
            other => {
                return Err(refuse(format!(
                    "key column `{}` is of type {other}, whose values cannot be given back exactly; name in `key` \
                     columns of numbers, char, varchar, binary, varbinary, dates or uuid",
                    column.name
                )));
            }
        };
        Ok(Self {
            quoted: quoted(&column.name),
            is_binary: parameter.starts_with("unhex"),
            is_integer: column.of_type.ends_with("int"),
            parameter,
        })
    }

    fn selected(&self) -> String {
        if self.is_binary {
            format!("hex({})", self.quoted)
        } else {
            format!("cast({} as char character set utf8mb4)", self.quoted)
        }
    }
}

/// A column that a context names, as text; bytes as lower-case hexadecimal digits.
fn selected_field(column: &Column) -> String {
    let name = quoted(&column.name);
    match column.of_type.as_str() {
        "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" | "bit" => {
            format!("lower(hex({name}))")
        }
        _ => format!("cast({name} as char character set utf8mb4)"),
    }
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn column(name: &str, whole_type: &str) -> Column {
        Column {
            name: name.to_owned(),
            of_type: whole_type.split(['(', ' ']).next().unwrap_or_default().to_owned(),
            whole_type: whole_type.to_owned(),
            is_nullable: false,
        }
    }

    #[test]
    fn each_column_of_a_key_has_its_own_range_of_the_index() {
        let config = json!({"host": "db", "database": "d", "table": "t`; --", "column": "c"});
        let config = TableConfig::check(&config).unwrap();
        let columns = [
            column("a", "decimal(10,2) unsigned"),
            column("b", "bigint(20) unsigned"),
            column("c", "text"),
        ];
        let primary = ["a".to_owned(), "b".to_owned()];
        let shape = Shape::of(&config, &columns, &[primary.to_vec()], &primary, &[]).unwrap();
        assert_eq!(
            shape.step(true, 9),
            "select cast(`a` as char character set utf8mb4), cast(`b` as char character set utf8mb4) \
             from `d`.`t``; --` where ((`a` > cast(? as decimal(10,2))) or \
             (`a` = cast(? as decimal(10,2)) and `b` > cast(? as unsigned))) order by `a`, `b` limit 1 offset 9"
        );
        let keys = ["1".to_owned(), "2".to_owned()];
        assert_eq!(parameters_of(&keys).collect::<Vec<_>>(), ["1", "1", "2"]);
    }
}
