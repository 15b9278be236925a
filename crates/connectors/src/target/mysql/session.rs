//! One session with a table.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::{Batch, Bounds, ConnectorError, Cursor, Locator, StoredRecord, Swap, TargetSession};
use engine::rotation::ErrorClass;
use keyring::SecretText;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Connection, Executor, MySql, MySqlConnection, Row};
use tokio::time::timeout;

use super::TableConfig;
use super::look;
use super::shape::{Shape, parameters_of};
use super::words::{odd, refuse, words};
use crate::target::{between, cursor_of, keys_of, locator_of, read_cursor};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A little more than the server allows itself.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(35);
/// Statements that are kept prepared: the scans, and those for a full chunk.
const PREPARED: usize = 12;
/// Rows of one statement.
const CHUNK: usize = 100;
/// And bytes, far below what the server takes as one packet.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// Counted exactly up to here.
const COUNTED: u64 = 1_000_000;
/// Tables of more rows are not walked through for their ranges where arithmetic does.
const WALKED: u64 = 100_000;

/// A signed-in connection and what it works on.
pub(super) struct TableSession {
    connection: MySqlConnection,
    who: String,
    shape: Shape,
    /// What the server guesses of the number of rows.
    place: [String; 2],
}

impl TableSession {
    pub(super) async fn open(
        config: &TableConfig,
        login: &str,
        password: &SecretText,
        fields: &[String],
    ) -> Result<Self, ConnectorError> {
        let server = &config.server;
        let who = format!("`{login}` at {}:{}", server.host, server.port);
        let mut options = MySqlConnectOptions::new()
            .host(&server.host)
            .port(server.port)
            .database(&config.database)
            .username(login)
            .password(password.expose_text())
            .ssl_mode(server.sslmode.into())
            .statement_cache_capacity(PREPARED)
            .disable_statement_logging();
        if let Some(ca_pem) = &server.ca_pem {
            options = options.ssl_ca_from_pem(ca_pem.clone().into_bytes());
        }
        let connecting = timeout(CONNECT_TIMEOUT, MySqlConnection::connect_with(&options));
        let mut connection = match connecting.await {
            Ok(connected) => connected.map_err(|error| words(&error, &format!("signing in as {who}")))?,
            Err(_) => return Err(silence(&format!("signing in as {who}"), CONNECT_TIMEOUT)),
        };
        let product = look::product(&mut connection, &who).await?;
        let settings = look::settings(product);
        within(&who, connection.execute(settings.as_str())).await?;
        let shape = look::shape(&mut connection, &who, config, fields).await?;
        Ok(Self {
            connection,
            who,
            shape,
            place: [config.database.clone(), config.fields.table.clone()],
        })
    }

    fn keys_of_row(&self, row: &MySqlRow) -> Result<Vec<String>, ConnectorError> {
        (0..self.shape.key_length())
            .map(|column| row.try_get_unchecked(column).map_err(|_| odd()))
            .collect()
    }

    fn record(&self, row: &MySqlRow) -> Result<StoredRecord, ConnectorError> {
        let length = self.shape.key_length();
        let fields = (0..self.shape.field_count())
            .map(|field| look::text(row, length + 1 + field))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(StoredRecord {
            locator: locator_of(&self.keys_of_row(row)?),
            stored: row.try_get_unchecked(length).map_err(|_| odd())?,
            fields,
        })
    }

    /// The server's guess, which costs nothing.
    async fn guess(&mut self) -> Result<u64, ConnectorError> {
        let statement = "select cast(table_rows as char) from information_schema.tables \
                         where table_schema = ? and table_name = ?";
        let place = [self.place[0].as_str(), self.place[1].as_str()];
        let rows = run(&mut self.connection, &self.who, statement, &place).await?;
        let guess = rows.first().map(|row| look::text(row, 0)).transpose()?;
        Ok(guess.and_then(|guess| guess.parse().ok()).unwrap_or(0))
    }

    /// Cuts between the smallest and the greatest number.
    async fn cut_numbers(&mut self, key: &str, parts: u32) -> Result<Vec<Cursor>, ConnectorError> {
        let table = self.shape.table();
        let statement = format!("select cast(min({key}) as char), cast(max({key}) as char) from {table}");
        let rows = run(&mut self.connection, &self.who, &statement, &[]).await?;
        let row = rows.first().ok_or_else(odd)?;
        let (Ok(least), Ok(most)) = (
            look::text(row, 0)?.parse::<i128>(),
            look::text(row, 1)?.parse::<i128>(),
        ) else {
            return Ok(Vec::new());
        };
        let mut cuts: Vec<i128> = (1..i128::from(parts))
            .map(|part| least + (most - least) * part / i128::from(parts))
            .collect();
        cuts.dedup();
        Ok(cuts
            .into_iter()
            .map(|cut| cursor_of(&[cut.to_string()]))
            .collect())
    }

    /// Cuts at every so many rows. When it takes too long, fewer ranges do as well.
    async fn cut_rows(&mut self, rows_of_part: u64, parts: u32) -> Result<Vec<Cursor>, ConnectorError> {
        let mut cuts: Vec<Vec<String>> = Vec::new();
        for _ in 1..parts {
            let statement = self.shape.step(!cuts.is_empty(), rows_of_part.saturating_sub(1));
            let after: Vec<&str> = cuts
                .last()
                .map(|keys| parameters_of(keys).map(String::as_str).collect())
                .unwrap_or_default();
            let rows = match run(&mut self.connection, &self.who, &statement, &after).await {
                Err(error) if error.class == ErrorClass::Network && !cuts.is_empty() => break,
                other => other?,
            };
            match rows.first() {
                Some(row) => cuts.push(self.keys_of_row(row)?),
                None => break,
            }
        }
        Ok(cuts.iter().map(|keys| cursor_of(keys)).collect())
    }

    /// Locks the rows, sees which still are what they were, and replaces those.
    async fn replace_chunk(&mut self, swaps: &[Swap]) -> Result<Vec<bool>, ConnectorError> {
        let keys = swaps
            .iter()
            .map(|swap| keys_of(&swap.locator, self.shape.key_length()))
            .collect::<Result<Vec<_>, _>>()?;
        let hold = self.shape.hold(swaps.len());
        let given: Vec<&str> = keys.iter().flatten().map(String::as_str).collect();
        let mut transaction = within(&self.who, self.connection.begin()).await?;
        let rows = run(&mut transaction, &self.who, &hold, &given).await?;
        let mut held: HashMap<Locator, Vec<u8>> = HashMap::with_capacity(rows.len());
        for row in &rows {
            let key = (0..self.shape.key_length())
                .map(|column| row.try_get_unchecked(column).map_err(|_| odd()))
                .collect::<Result<Vec<String>, _>>()?;
            let stored = row.try_get_unchecked(key.len()).map_err(|_| odd())?;
            held.insert(locator_of(&key), stored);
        }
        let is_same: Vec<bool> = swaps
            .iter()
            .map(|swap| held.get(&swap.locator) == Some(&swap.before))
            .collect();
        let due: Vec<(&Vec<String>, &Swap)> = keys
            .iter()
            .zip(swaps)
            .zip(&is_same)
            .filter_map(|(pair, is_same)| is_same.then_some(pair))
            .collect();
        if !due.is_empty() {
            let put = self.shape.put(due.len());
            let query = bind_puts(sqlx::query(&put), &due, self.shape.is_binary);
            let done = within(&self.who, transaction.execute(query)).await?;
            // The driver asks for matched rows, so a value that stays the same counts too.
            if done.rows_affected() != due.len() as u64 {
                return Err(refuse(format!(
                    "{}: {} of {} rows were replaced, so none was kept; does a trigger of the table get in the way?",
                    self.who,
                    done.rows_affected(),
                    due.len()
                )));
            }
        }
        within(&self.who, transaction.commit()).await?;
        Ok(is_same)
    }
}

fn bind_puts<'q>(
    mut query: Query<'q, MySql, MySqlArguments>,
    due: &'q [(&Vec<String>, &Swap)],
    is_binary: bool,
) -> Query<'q, MySql, MySqlArguments> {
    for (keys, swap) in due {
        for key in *keys {
            query = query.bind(key.as_str());
        }
        query = if is_binary {
            query.bind(swap.after.as_slice())
        } else {
            // What replaces a text is base64.
            query.bind(String::from_utf8_lossy(&swap.after).into_owned())
        };
    }
    for (keys, _) in due {
        for key in *keys {
            query = query.bind(key.as_str());
        }
    }
    query
}

#[async_trait]
impl TargetSession for TableSession {
    async fn estimate(&mut self) -> Result<u64, ConnectorError> {
        let guess = self.guess().await?;
        if guess >= COUNTED {
            return Ok(guess);
        }
        let counting = format!(
            "select cast(count(*) as char) from (select 1 from {} limit {COUNTED}) as s",
            self.shape.table()
        );
        let rows = run(&mut self.connection, &self.who, &counting, &[]).await?;
        let counted = rows.first().map(|row| look::text(row, 0)).transpose()?;
        let counted: u64 = counted.and_then(|text| text.parse().ok()).ok_or_else(odd)?;
        Ok(if counted < COUNTED {
            counted
        } else {
            counted.max(guess)
        })
    }

    async fn split(&mut self, parts: u32) -> Result<Vec<Bounds>, ConnectorError> {
        let parts = parts.max(1);
        if parts == 1 {
            return Ok(vec![Bounds::default()]);
        }
        let total = self.estimate().await?;
        let key = self.shape.integer_key().map(str::to_owned);
        let cuts = match key {
            Some(key) if total > WALKED => self.cut_numbers(&key, parts).await?,
            _ => self.cut_rows((total / u64::from(parts)).max(1), parts).await?,
        };
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
        let mut given = Vec::new();
        for place in [after, bounds.through.as_ref()].into_iter().flatten() {
            given.extend(parameters_of(&read_cursor(place, self.shape.key_length())?).cloned());
        }
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let rows = run(&mut self.connection, &self.who, &statement, &given).await?;
        let records = rows
            .iter()
            .map(|row| self.record(row))
            .collect::<Result<Vec<_>, _>>()?;
        let is_full = rows.len() >= limit as usize;
        let next = match rows.last().filter(|_| is_full) {
            Some(row) => Some(cursor_of(&self.keys_of_row(row)?)),
            None => None,
        };
        Ok(Batch { records, next })
    }

    async fn read(&mut self, locators: &[Locator]) -> Result<Vec<StoredRecord>, ConnectorError> {
        let mut records = Vec::with_capacity(locators.len());
        for chunk in locators.chunks(CHUNK) {
            let keys = chunk
                .iter()
                .map(|locator| keys_of(locator, self.shape.key_length()))
                .collect::<Result<Vec<_>, _>>()?;
            let statement = self.shape.read(chunk.len());
            let given: Vec<&str> = keys.iter().flatten().map(String::as_str).collect();
            let rows = run(&mut self.connection, &self.who, &statement, &given).await?;
            for row in &rows {
                records.push(self.record(row)?);
            }
        }
        Ok(records)
    }

    fn locate(&self, fields: &[String]) -> Vec<Locator> {
        let key = self.shape.key_in(fields);
        key.map(|key| locator_of(&key)).into_iter().collect()
    }

    async fn replace(&mut self, swaps: &[Swap]) -> Result<Vec<bool>, ConnectorError> {
        let mut done = Vec::with_capacity(swaps.len());
        let mut rest = swaps;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(chunk_of(rest));
            done.extend(self.replace_chunk(chunk).await?);
            rest = after;
        }
        Ok(done)
    }
}

/// How many of these fit into one statement: one at least.
fn chunk_of(swaps: &[Swap]) -> usize {
    let mut bytes = 0;
    let fitting = swaps.iter().take(CHUNK).take_while(|swap| {
        bytes += swap.after.len();
        bytes <= CHUNK_BYTES
    });
    fitting.count().max(1)
}

/// Runs a statement with text parameters.
pub(super) async fn run(
    connection: &mut MySqlConnection,
    who: &str,
    statement: &str,
    given: &[&str],
) -> Result<Vec<MySqlRow>, ConnectorError> {
    let query = given
        .iter()
        .fold(sqlx::query(statement), |query, text| query.bind(*text));
    within(who, query.fetch_all(connection)).await
}

async fn within<T>(
    who: &str,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, ConnectorError> {
    match timeout(STATEMENT_TIMEOUT, work).await {
        Ok(result) => result.map_err(|error| words(&error, who)),
        Err(_) => Err(silence(who, STATEMENT_TIMEOUT)),
    }
}

fn silence(what: &str, waited: Duration) -> ConnectorError {
    let detail = format!("{what}: no answer within {} s", waited.as_secs());
    ConnectorError::new(ErrorClass::Network, detail)
}
