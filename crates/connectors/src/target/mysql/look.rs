//! What the server says of itself and of the table.

use engine::ports::ConnectorError;
use sqlx::mysql::MySqlRow;
use sqlx::{MySqlConnection, Row};

use super::TableConfig;
use super::session::run;
use super::shape::{Column, Shape};
use super::words::{odd, refuse};

/// Which of the two, for what they call differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    MySql,
    MariaDb,
}

/// Asks for the version; refuses those that cannot leave a row which somebody holds.
pub(super) async fn product(connection: &mut MySqlConnection, who: &str) -> Result<Product, ConnectorError> {
    let rows = run(connection, who, "select cast(version() as char)", &[]).await?;
    let version = rows
        .first()
        .map(|row| text(row, 0))
        .transpose()?
        .unwrap_or_default();
    let product = if version.contains("MariaDB") {
        Product::MariaDb
    } else {
        Product::MySql
    };
    let least = match product {
        Product::MySql => (8, 0),
        Product::MariaDb => (10, 6),
    };
    if numbers(&version) >= least {
        Ok(product)
    } else {
        Err(refuse(format!(
            "{who}: this is {version}; a row that somebody holds can be left since MySQL 8.0 and MariaDB 10.6, so \
             nothing older is moved"
        )))
    }
}

fn numbers(version: &str) -> (u32, u32) {
    // An old MariaDB behind a replication prefix calls itself 5.5.5-10.6.12-MariaDB.
    let version = version.strip_prefix("5.5.5-").unwrap_or(version);
    let mut parts = version.split(['.', '-']).map_while(|part| part.parse().ok());
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// What this session asks of the server. Strict: a value that does not fit is refused, never cut off. Read committed:
/// only the rows that are held are locked, not what lies between them.
pub(super) fn settings(product: Product) -> String {
    let limit = match product {
        Product::MySql => "max_execution_time = 30000",
        Product::MariaDb => "max_statement_time = 30",
    };
    format!(
        "set session sql_mode = 'STRICT_ALL_TABLES,STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO', \
         session innodb_lock_wait_timeout = 2, session lock_wait_timeout = 5, session {limit}; \
         set session transaction isolation level read committed"
    )
}

/// The columns of the table and its unique indexes.
pub(super) async fn shape(
    connection: &mut MySqlConnection,
    who: &str,
    config: &TableConfig,
    fields: &[String],
) -> Result<Shape, ConnectorError> {
    let place = [config.database.as_str(), config.fields.table.as_str()];
    let tables = run(
        connection,
        who,
        "select cast(t.table_name as char), cast(t.table_type as char), cast(t.engine as char), \
           cast(coalesce(e.transactions, 'NO') as char) \
         from information_schema.tables as t left join information_schema.engines as e on e.engine = t.engine \
         where t.table_schema = ? and t.table_name = ?",
        &place,
    )
    .await?;
    check_table(who, config, &tables)?;
    let columns = run(
        connection,
        who,
        "select cast(column_name as char), cast(data_type as char), cast(column_type as char), \
           cast(is_nullable as char) \
         from information_schema.columns where table_schema = ? and table_name = ? order by ordinal_position",
        &place,
    )
    .await?;
    let columns = columns
        .iter()
        .map(|row| {
            Ok(Column {
                name: text(row, 0)?,
                of_type: text(row, 1)?.to_lowercase(),
                whole_type: text(row, 2)?.to_lowercase(),
                is_nullable: text(row, 3)? != "NO",
            })
        })
        .collect::<Result<Vec<_>, ConnectorError>>()?;
    let parts = run(
        connection,
        who,
        "select cast(index_name as char), cast(column_name as char) from information_schema.statistics \
         where table_schema = ? and table_name = ? and non_unique = 0 order by index_name, seq_in_index",
        &place,
    )
    .await?;
    let mut indexes: Vec<(String, Vec<String>)> = Vec::new();
    for row in &parts {
        // A part that is an expression has no name: an empty one, which fits no column.
        let (index, column) = (text(row, 0)?, text(row, 1)?);
        match indexes.last_mut().filter(|(name, _)| *name == index) {
            Some((_, columns)) => columns.push(column),
            None => indexes.push((index, vec![column])),
        }
    }
    let primary = indexes
        .iter()
        .find(|(name, _)| name == "PRIMARY")
        .map(|(_, columns)| columns.clone())
        .unwrap_or_default();
    let unique: Vec<Vec<String>> = indexes.into_iter().map(|(_, columns)| columns).collect();
    Shape::of(config, &columns, &unique, &primary, fields)
}

fn check_table(who: &str, config: &TableConfig, tables: &[MySqlRow]) -> Result<(), ConnectorError> {
    let name = &config.fields.table;
    // The catalog may compare names without their case, where the table's file does not.
    let mut found = None;
    for row in tables {
        if text(row, 0)? == *name {
            found = Some((text(row, 1)?, text(row, 2)?, text(row, 3)?));
        }
    }
    let Some((of_type, engine, transactions)) = found else {
        return Err(refuse(format!(
            "{who}: there is no table `{name}` in database `{}` that this login sees",
            config.database
        )));
    };
    match of_type.as_str() {
        "BASE TABLE" if transactions == "YES" => Ok(()),
        "BASE TABLE" => Err(refuse(format!(
            "table `{name}` stands in {engine}, which locks no rows, so a writer beside Rota could lose its write; \
             move it to InnoDB"
        ))),
        "SYSTEM VERSIONED" => Err(refuse(format!(
            "table `{name}` is system-versioned: its history keeps every old envelope where nobody can move it"
        ))),
        other => Err(refuse(format!(
            "`{name}` is a {}; name the table itself",
            other.to_lowercase()
        ))),
    }
}

/// A text of a row; an empty one for null.
pub(super) fn text(row: &MySqlRow, column: usize) -> Result<String, ConnectorError> {
    let text: Option<String> = row.try_get_unchecked(column).map_err(|_| odd())?;
    Ok(text.unwrap_or_default())
}
