//! One connection to a SQLite file.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::{Batch, Bounds, ConnectorError, Cursor, Locator, StoredRecord, Swap, TargetSession};
use engine::rotation::ErrorClass;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row, Sqlite, query::Query};

use super::FileConfig;
use super::key::Key;
use crate::target::misread;

/// How long another writer may hold the file before we try again later.
const BUSY: Duration = Duration::from_secs(2);
/// In KiB, as SQLite wants it said: what the 2 MiB it takes by itself do not hold, each batch would read again.
const PAGE_CACHE: &str = "-32768";
/// Rows of one statement.
const CHUNK: usize = 250;

/// A table of an open file.
pub(super) struct TableSession {
    connection: SqliteConnection,
    table: String,
    column: String,
    /// Quoted.
    key: Vec<String>,
    fields: Vec<String>,
}

impl TableSession {
    pub(super) async fn open(config: &FileConfig, fields: &[String]) -> Result<Self, ConnectorError> {
        let path = Path::new(&config.file);
        if !path.is_file() {
            return Err(refuse(format!(
                "there is no file {} where Rota runs",
                config.file
            )));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .busy_timeout(BUSY)
            .pragma("cache_size", PAGE_CACHE)
            // Else the planner may read the whole table past an index of the few rows given, instead of each by its key.
            .pragma("automatic_index", "off")
            .disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&options)
            .await
            .map_err(|error| words(&error))?;
        let own = "select 1 from sqlite_master where type = 'table' and name = 'audit_head'";
        if found(&mut connection, own).await? {
            return Err(refuse(
                "this is Rota's own database; its values are not yours to move".to_owned(),
            ));
        }
        let columns = list_columns(&mut connection, &config.fields.table).await?;
        if columns.is_empty() {
            return Err(refuse(format!(
                "there is no table `{}` in this file",
                config.fields.table
            )));
        }
        for name in fields
            .iter()
            .chain([&config.fields.column])
            .chain(&config.fields.key)
        {
            if !columns.iter().any(|(known, _)| known == name) {
                return Err(refuse(format!("there is no column `{name}` in this table")));
            }
        }
        let key = find_key(&mut connection, config, &columns).await?;
        let table = quoted(&config.fields.table);
        let key: Vec<String> = key.iter().map(|name| quoted(name)).collect();
        let nulls = key
            .iter()
            .map(|name| format!("{name} is null"))
            .collect::<Vec<_>>();
        let nulls = format!("select 1 from {table} where {} limit 1", nulls.join(" or "));
        if found(&mut connection, &nulls).await? {
            return Err(refuse(
                "a row has a null in its key, so a scan would miss it".to_owned(),
            ));
        }
        Ok(Self {
            connection,
            table,
            column: quoted(&config.fields.column),
            key,
            fields: fields.iter().map(|field| quoted(field)).collect(),
        })
    }

    fn selected(&self) -> String {
        let mut selected = self.key.clone();
        selected.push(format!("cast({} as blob)", self.column));
        selected.extend(
            self.fields
                .iter()
                .map(|field| format!("coalesce(cast({field} as text), '')")),
        );
        selected.join(", ")
    }

    fn record(&self, row: &SqliteRow) -> Result<(Vec<Key>, StoredRecord), sqlx::Error> {
        let keys = (0..self.key.len())
            .map(|column| Key::read(row, column))
            .collect::<Result<Vec<_>, _>>()?;
        let stored: Vec<u8> = row.try_get_unchecked(self.key.len())?;
        let fields = (0..self.fields.len())
            .map(|field| row.try_get_unchecked(self.key.len() + 1 + field))
            .collect::<Result<Vec<String>, _>>()?;
        let record = StoredRecord {
            locator: locator_of(&keys),
            stored,
            fields,
        };
        Ok((keys, record))
    }

    /// `(k1, k2)`
    fn tuple(&self) -> String {
        format!("({})", self.key.join(", "))
    }

    fn tuple_of_parameters(&self) -> String {
        format!("({})", vec!["?"; self.key.len()].join(", "))
    }

    /// `given(k0, k1, …) as (values (?, …), …)` of so many rows.
    fn given(&self, values: &[&str], rows: usize) -> String {
        let names: Vec<String> = (0..self.key.len())
            .map(|number| format!("k{number}"))
            .chain(values.iter().map(|value| (*value).to_owned()))
            .collect();
        let row = format!("({})", vec!["?"; names.len()].join(", "));
        format!(
            "given({}) as (values {})",
            names.join(", "),
            vec![row.as_str(); rows].join(", ")
        )
    }

    fn matches(&self) -> String {
        self.key
            .iter()
            .zip(0..)
            .map(|(key, number)| format!("{}.{key} = given.k{number}", self.table))
            .collect::<Vec<_>>()
            .join(" and ")
    }

    async fn read_chunk(&mut self, locators: &[Locator]) -> Result<Vec<StoredRecord>, ConnectorError> {
        let qualified = self
            .key
            .iter()
            .map(|key| format!("{}.{key}", self.table))
            .chain([format!("cast({}.{} as blob)", self.table, self.column)])
            .chain(
                self.fields
                    .iter()
                    .map(|field| format!("coalesce(cast({}.{field} as text), '')", self.table)),
            )
            .collect::<Vec<_>>()
            .join(", ");
        let statement = format!(
            "with {} select {qualified} from given cross join {} where {} and {}.{} is not null",
            self.given(&[], locators.len()),
            self.table,
            self.matches(),
            self.table,
            self.column
        );
        let mut query = sqlx::query(&statement);
        for locator in locators {
            for key in keys_of(locator, self.key.len())? {
                query = key.bind(query);
            }
        }
        let rows = query
            .fetch_all(&mut self.connection)
            .await
            .map_err(|error| words(&error))?;
        rows.iter()
            .map(|row| Ok(self.record(row).map_err(|error| words(&error))?.1))
            .collect()
    }

    fn replacing(&self, rows: usize) -> String {
        format!(
            "with {given} update {table} set {column} = \
               case typeof({table}.{column}) when 'text' then cast(given.after as text) else given.after end \
             from given where {matches} and cast({table}.{column} as blob) = given.before \
             returning {keys}",
            given = self.given(&["before", "after"], rows),
            table = self.table,
            column = self.column,
            matches = self.matches(),
            keys = self.key.join(", "),
        )
    }
}

#[async_trait]
impl TargetSession for TableSession {
    async fn estimate(&mut self) -> Result<u64, ConnectorError> {
        let statement = format!("select count(*) from {}", self.table);
        let count: i64 = sqlx::query_scalar(&statement)
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| words(&error))?;
        Ok(count.unsigned_abs())
    }

    async fn split(&mut self, _parts: u32) -> Result<Vec<Bounds>, ConnectorError> {
        Ok(vec![Bounds::default()])
    }

    async fn scan(
        &mut self,
        bounds: &Bounds,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Batch, ConnectorError> {
        let after = cursor.or(bounds.after.as_ref());
        let mut conditions = vec![format!("{} is not null", self.column)];
        let tuples = (self.tuple(), self.tuple_of_parameters());
        if after.is_some() {
            conditions.push(format!("{} > {}", tuples.0, tuples.1));
        }
        if bounds.through.is_some() {
            conditions.push(format!("{} <= {}", tuples.0, tuples.1));
        }
        let statement = format!(
            "select {} from {} where {} order by {} limit {limit}",
            self.selected(),
            self.table,
            conditions.join(" and "),
            self.key.join(", ")
        );
        let mut query = sqlx::query(&statement);
        for place in [after, bounds.through.as_ref()].into_iter().flatten() {
            for key in read_cursor(place, self.key.len())? {
                query = key.bind(query);
            }
        }
        let rows = query
            .fetch_all(&mut self.connection)
            .await
            .map_err(|error| words(&error))?;
        let mut records = Vec::with_capacity(rows.len());
        let mut last = None;
        for row in &rows {
            let (keys, record) = self.record(row).map_err(|error| words(&error))?;
            last = Some(keys);
            records.push(record);
        }
        let is_full = rows.len() >= limit as usize;
        Ok(Batch {
            records,
            next: last.filter(|_| is_full).map(|keys| Cursor(json_of(&keys))),
        })
    }

    async fn read(&mut self, locators: &[Locator]) -> Result<Vec<StoredRecord>, ConnectorError> {
        let mut records = Vec::with_capacity(locators.len());
        for chunk in locators.chunks(CHUNK) {
            records.extend(self.read_chunk(chunk).await?);
        }
        Ok(records)
    }

    fn locate(&self, fields: &[String]) -> Vec<Locator> {
        let text = |name: &String| {
            let position = self.fields.iter().position(|field| field == name)?;
            fields.get(position)
        };
        let Some(texts) = self.key.iter().map(text).collect::<Option<Vec<_>>>() else {
            return Vec::new();
        };
        // A column holds any type, so `3` may be a number there, or a text.
        let numbers: Vec<Key> = texts.iter().map(|text| Key::written(text)).collect();
        let texts: Vec<Key> = texts.into_iter().cloned().map(Key::Text).collect();
        let mut located = vec![locator_of(&numbers)];
        if texts != numbers {
            located.push(locator_of(&texts));
        }
        located
    }

    async fn replace(&mut self, swaps: &[Swap]) -> Result<Vec<bool>, ConnectorError> {
        let mut statements: Vec<String> = Vec::new();
        for chunk in swaps.chunks(CHUNK) {
            statements.push(self.replacing(chunk.len()));
        }
        let key_length = self.key.len();
        let mut done: HashSet<Locator> = HashSet::with_capacity(swaps.len());
        let mut transaction = self
            .connection
            .begin_with("begin immediate")
            .await
            .map_err(|error| words(&error))?;
        for (chunk, statement) in swaps.chunks(CHUNK).zip(&statements) {
            let mut query: Query<'_, Sqlite, SqliteArguments<'_>> = sqlx::query(statement);
            for swap in chunk {
                for key in keys_of(&swap.locator, key_length)? {
                    query = key.bind(query);
                }
                query = query.bind(swap.before.as_slice()).bind(swap.after.as_slice());
            }
            let rows = query
                .fetch_all(&mut *transaction)
                .await
                .map_err(|error| words(&error))?;
            for row in &rows {
                let keys = (0..key_length)
                    .map(|column| Key::read(row, column))
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| words(&error))?;
                done.insert(locator_of(&keys));
            }
        }
        transaction.commit().await.map_err(|error| words(&error))?;
        Ok(swaps.iter().map(|swap| done.contains(&swap.locator)).collect())
    }
}

/// Names and declared types.
async fn list_columns(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<Vec<(String, i64)>, ConnectorError> {
    let rows = sqlx::query("select name, pk from pragma_table_info(?)")
        .bind(table)
        .fetch_all(connection)
        .await
        .map_err(|error| words(&error))?;
    rows.iter()
        .map(|row| Ok((row.try_get_unchecked("name")?, row.try_get_unchecked("pk")?)))
        .collect::<Result<Vec<_>, sqlx::Error>>()
        .map_err(|error| words(&error))
}

/// The named columns, if something unique stands on them; else the primary key, else the row id.
async fn find_key(
    connection: &mut SqliteConnection,
    config: &FileConfig,
    columns: &[(String, i64)],
) -> Result<Vec<String>, ConnectorError> {
    let mut primary: Vec<(i64, String)> = columns
        .iter()
        .filter(|(_, place)| *place > 0)
        .map(|(name, place)| (*place, name.clone()))
        .collect();
    primary.sort();
    let primary: Vec<String> = primary.into_iter().map(|(_, name)| name).collect();
    let wanted = &config.fields.key;
    if wanted.is_empty() {
        return Ok(if primary.is_empty() {
            vec!["rowid".to_owned()]
        } else {
            primary
        });
    }
    if !primary.is_empty() && primary.iter().all(|name| wanted.contains(name)) {
        return Ok(wanted.clone());
    }
    let rows = sqlx::query(
        "select l.name as index_name, i.name as column_name from pragma_index_list(?) as l \
         join pragma_index_info(l.name) as i where l.\"unique\" = 1 and l.partial = 0",
    )
    .bind(config.fields.table.as_str())
    .fetch_all(connection)
    .await
    .map_err(|error| words(&error))?;
    let mut foreign: HashSet<String> = HashSet::new();
    let mut indexes: HashSet<String> = HashSet::new();
    for row in &rows {
        let index: String = row
            .try_get_unchecked("index_name")
            .map_err(|error| words(&error))?;
        let column: Option<String> = row
            .try_get_unchecked("column_name")
            .map_err(|error| words(&error))?;
        if !column.is_some_and(|column| wanted.contains(&column)) {
            foreign.insert(index.clone());
        }
        indexes.insert(index);
    }
    if indexes.difference(&foreign).next().is_some() {
        Ok(wanted.clone())
    } else {
        Err(refuse(
            "no unique index stands on these key columns, so rows cannot be told apart".to_owned(),
        ))
    }
}

async fn found(connection: &mut SqliteConnection, statement: &str) -> Result<bool, ConnectorError> {
    let row = sqlx::query(statement)
        .fetch_optional(connection)
        .await
        .map_err(|error| words(&error))?;
    Ok(row.is_some())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn json_of(keys: &[Key]) -> String {
    serde_json::to_string(keys).unwrap_or_default()
}

/// One key by itself, several as an array.
fn locator_of(keys: &[Key]) -> Locator {
    match keys {
        [one] => Locator(serde_json::to_string(one).unwrap_or_default()),
        several => Locator(json_of(several)),
    }
}

fn keys_of(locator: &Locator, length: usize) -> Result<Vec<Key>, ConnectorError> {
    if length == 1 {
        return serde_json::from_str(&locator.0)
            .map(|key| vec![key])
            .map_err(|_| misread());
    }
    let keys: Vec<Key> = serde_json::from_str(&locator.0).map_err(|_| misread())?;
    if keys.len() == length {
        Ok(keys)
    } else {
        Err(misread())
    }
}

fn read_cursor(cursor: &Cursor, length: usize) -> Result<Vec<Key>, ConnectorError> {
    let keys: Vec<Key> = serde_json::from_str(&cursor.0).map_err(|_| misread())?;
    if keys.len() == length {
        Ok(keys)
    } else {
        Err(misread())
    }
}

fn words(error: &sqlx::Error) -> ConnectorError {
    match error {
        sqlx::Error::Database(refusal) => {
            // 5 is busy, 6 locked: the extended codes have them in their lowest byte.
            let code = refusal
                .code()
                .and_then(|code| code.parse::<i64>().ok())
                .unwrap_or(0)
                & 0xff;
            let class = if matches!(code, 5 | 6 | 10) {
                ErrorClass::Network
            } else {
                ErrorClass::Policy
            };
            ConnectorError::new(class, format!("SQLite: {}", refusal.message()))
        }
        other => ConnectorError::new(ErrorClass::Network, format!("SQLite: {other}")),
    }
}

fn refuse(detail: String) -> ConnectorError {
    ConnectorError::new(ErrorClass::Policy, detail)
}
