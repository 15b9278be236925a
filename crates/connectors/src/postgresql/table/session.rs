//! One session with a table.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::{Batch, Bounds, ConnectorError, Cursor, Locator, StoredRecord, Swap, TargetSession};
use engine::rotation::ErrorClass;
use keyring::SecretText;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{Executor, Postgres, Row};
use tokio::time::timeout;

use super::super::session::{Session, classify_rows};
use super::super::sql::identifier;
use super::TableConfig;
use super::shape::{Column, Shape};
use crate::target::{between, cursor_of, keys_of, locator_of, read_cursor};

/// A little more than the server allows itself.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(35);
/// Row security would hide rows from a scan: with it off, the server refuses instead.
const SETTINGS: &str = "set statement_timeout = '30s'; set lock_timeout = '2s'; set search_path = pg_catalog; \
                        set row_security = off; set datestyle = 'ISO'; set intervalstyle = 'postgres'; \
                        set extra_float_digits = 1";
/// Counted exactly up to here.
const COUNTED: i64 = 1_000_000;
/// Tables of more rows are sampled for their ranges.
const LISTED: u64 = 100_000;
/// Rows of a sample for each range.
const SAMPLED_PER_RANGE: u64 = 100;

/// A signed-in connection and what it works on.
pub(super) struct TableSession {
    connection: PgConnection,
    who: String,
    shape: Shape,
}

impl TableSession {
    pub(super) async fn open(
        config: &TableConfig,
        login: &str,
        password: &SecretText,
        fields: &[String],
    ) -> Result<Self, ConnectorError> {
        let (mut connection, who) = Session::of_rows(&config.server, login, password).await?;
        within(&who, connection.execute(SETTINGS)).await?;
        let shape = look(&mut connection, &who, config, fields).await?;
        Ok(Self {
            connection,
            who,
            shape,
        })
    }

    async fn rows(&mut self, query: Query<'_, Postgres, PgArguments>) -> Result<Vec<PgRow>, ConnectorError> {
        within(&self.who, self.connection.fetch_all(query.persistent(false))).await
    }

    fn record(&self, row: &PgRow) -> Result<StoredRecord, ConnectorError> {
        let keys = key_of(row, self.shape.key_length())?;
        let stored = if self.shape.is_binary {
            row.try_get::<Vec<u8>, _>("stored").map_err(|_| odd())?
        } else {
            row.try_get::<String, _>("stored")
                .map_err(|_| odd())?
                .into_bytes()
        };
        let fields = (0..self.shape.field_count())
            .map(|number| {
                let field: Option<String> = row.try_get(format!("f{number}").as_str()).map_err(|_| odd())?;
                Ok(field.unwrap_or_default())
            })
            .collect::<Result<Vec<_>, ConnectorError>>()?;
        Ok(StoredRecord {
            locator: locator_of(&keys),
            stored,
            fields,
        })
    }

    /// One array of texts for each key column.
    fn key_arrays<'a>(
        &self,
        locators: impl Iterator<Item = &'a Locator>,
    ) -> Result<Vec<Vec<String>>, ConnectorError> {
        let mut arrays = vec![Vec::new(); self.shape.key_length()];
        for locator in locators {
            let keys = keys_of(locator, self.shape.key_length())?;
            for (array, key) in arrays.iter_mut().zip(keys) {
                array.push(key);
            }
        }
        Ok(arrays)
    }
}

#[async_trait]
impl TargetSession for TableSession {
    async fn estimate(&mut self) -> Result<u64, ConnectorError> {
        let known =
            sqlx::query("select reltuples::bigint as rows from pg_class where oid = $1::text::regclass")
                .bind(self.shape.table().to_owned());
        let rows = self.rows(known).await?;
        let known: i64 = rows
            .first()
            .map_or(Ok(0), |row| row.try_get("rows"))
            .map_err(|_| odd())?;
        if known >= COUNTED {
            return Ok(known.unsigned_abs());
        }
        let counting = format!(
            "select count(*) as rows from (select 1 from {} limit {COUNTED}) as s",
            self.shape.table()
        );
        let rows = self.rows(sqlx::query(&counting)).await?;
        let counted: i64 = rows
            .first()
            .map_or(Ok(0), |row| row.try_get("rows"))
            .map_err(|_| odd())?;
        Ok(counted.max(known).unsigned_abs())
    }

    async fn split(&mut self, parts: u32) -> Result<Vec<Bounds>, ConnectorError> {
        let parts = u64::from(parts.max(1));
        if parts == 1 {
            return Ok(vec![Bounds::default()]);
        }
        let total = self.estimate().await?;
        let (percent, listed) = if total > LISTED {
            let wanted = parts * SAMPLED_PER_RANGE;
            let percent = (100.0 * wanted as f64 / total as f64).clamp(0.01, 100.0);
            (Some(percent), wanted)
        } else {
            (None, total)
        };
        let statement = self.shape.sample(percent, (listed / parts).max(1));
        let rows = self.rows(sqlx::query(&statement)).await?;
        let mut cuts = Vec::new();
        for row in rows.iter().take(usize::try_from(parts - 1).unwrap_or(usize::MAX)) {
            cuts.push(cursor_of(&key_of(row, self.shape.key_length())?));
        }
        Ok(between(cuts))
    }

    async fn scan(
        &mut self,
        bounds: &Bounds,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Batch, ConnectorError> {
        let after = cursor.or(bounds.after.as_ref());
        let statement = self.shape.scan(after.is_some(), bounds.through.is_some(), limit);
        let mut query = sqlx::query(&statement);
        for place in [after, bounds.through.as_ref()].into_iter().flatten() {
            for key in read_cursor(place, self.shape.key_length())? {
                query = query.bind(key);
            }
        }
        let rows = self.rows(query).await?;
        let records = rows
            .iter()
            .map(|row| self.record(row))
            .collect::<Result<Vec<_>, _>>()?;
        let is_full = rows.len() >= limit as usize;
        let next = match rows.last().filter(|_| is_full) {
            Some(row) => Some(cursor_of(&key_of(row, self.shape.key_length())?)),
            None => None,
        };
        Ok(Batch { records, next })
    }

    async fn read(&mut self, locators: &[Locator]) -> Result<Vec<StoredRecord>, ConnectorError> {
        let statement = self.shape.read();
        let mut query = sqlx::query(&statement);
        for array in self.key_arrays(locators.iter())? {
            query = query.bind(array);
        }
        let rows = self.rows(query).await?;
        rows.iter().map(|row| self.record(row)).collect()
    }

    fn locate(&self, fields: &[String]) -> Vec<Locator> {
        let key = self.shape.key_in(fields);
        key.map(|key| locator_of(&key)).into_iter().collect()
    }

    async fn replace(&mut self, swaps: &[Swap]) -> Result<Vec<bool>, ConnectorError> {
        let statement = self.shape.replace();
        let mut query = sqlx::query(&statement);
        for array in self.key_arrays(swaps.iter().map(|swap| &swap.locator))? {
            query = query.bind(array);
        }
        if self.shape.is_binary {
            let before: Vec<&[u8]> = swaps.iter().map(|swap| swap.before.as_slice()).collect();
            let after: Vec<&[u8]> = swaps.iter().map(|swap| swap.after.as_slice()).collect();
            query = query.bind(before).bind(after);
        } else {
            let before: Vec<String> = swaps.iter().map(|swap| text(&swap.before)).collect();
            let after: Vec<String> = swaps.iter().map(|swap| text(&swap.after)).collect();
            query = query.bind(before).bind(after);
        }
        let rows = self.rows(query).await?;
        let mut done = HashSet::with_capacity(rows.len());
        for row in &rows {
            done.insert(locator_of(&key_of(row, self.shape.key_length())?));
        }
        Ok(swaps.iter().map(|swap| done.contains(&swap.locator)).collect())
    }
}

/// The columns of the table and its unique indexes.
async fn look(
    connection: &mut PgConnection,
    who: &str,
    config: &TableConfig,
    fields: &[String],
) -> Result<Shape, ConnectorError> {
    let table = format!(
        "{}.{}",
        identifier(&config.schema),
        identifier(&config.fields.table)
    );
    let kind = sqlx::query("select relkind::text as kind from pg_class where oid = to_regclass($1::text)")
        .persistent(false)
        .bind(table.clone());
    let kind = within(who, connection.fetch_optional(kind)).await?;
    let kind: Option<String> = kind
        .map(|row| row.try_get("kind"))
        .transpose()
        .map_err(|_| odd())?;
    if !matches!(kind.as_deref(), Some("r" | "p")) {
        return Err(ConnectorError::new(
            ErrorClass::Policy,
            format!("{who}: there is no table {table} that this login sees"),
        ));
    }
    let columns = sqlx::query(
        "select attname::text as name, format_type(atttypid, null) as of_type, attnotnull as is_required \
         from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped",
    )
    .persistent(false)
    .bind(table.clone());
    let columns = within(who, connection.fetch_all(columns)).await?;
    let columns = columns
        .iter()
        .map(|row| {
            Ok(Column {
                name: row.try_get("name")?,
                of_type: row.try_get("of_type")?,
                is_required: row.try_get("is_required")?,
            })
        })
        .collect::<Result<Vec<_>, sqlx::Error>>()
        .map_err(|_| odd())?;
    let indexes = sqlx::query(
        "select i.indisprimary as is_primary, \
           array(select a.attname::text from pg_attribute a where a.attrelid = i.indrelid \
                 and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1]) \
                 order by array_position(i.indkey::int2[], a.attnum)) as columns \
         from pg_index i where i.indrelid = $1::text::regclass \
           and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null",
    )
    .persistent(false)
    .bind(table);
    let indexes = within(who, connection.fetch_all(indexes)).await?;
    let mut unique: Vec<Vec<String>> = Vec::new();
    let mut primary: Vec<String> = Vec::new();
    for row in &indexes {
        let names: Vec<String> = row.try_get("columns").map_err(|_| odd())?;
        if row.try_get("is_primary").map_err(|_| odd())? {
            primary.clone_from(&names);
        }
        unique.push(names);
    }
    Shape::of(config, &columns, &unique, &primary, fields)
}

async fn within<T>(
    who: &str,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, ConnectorError> {
    match timeout(STATEMENT_TIMEOUT, work).await {
        Ok(result) => result.map_err(|error| classify_rows(&error, who)),
        Err(_) => Err(ConnectorError::new(
            ErrorClass::Network,
            format!("{who}: no answer within {} s", STATEMENT_TIMEOUT.as_secs()),
        )),
    }
}

fn key_of(row: &PgRow, length: usize) -> Result<Vec<String>, ConnectorError> {
    (0..length)
        .map(|number| row.try_get(format!("k{number}").as_str()).map_err(|_| odd()))
        .collect()
}

/// What was read as text is UTF-8; what replaces it is base64.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn odd() -> ConnectorError {
    ConnectorError::new(
        ErrorClass::Policy,
        "the server's answer does not have the expected columns",
    )
}
