//! Which tables there are, asked of the database itself: a backup holds a new table without being told of it.

use std::collections::BTreeSet;

use engine::recovery::{Cell, LEFT_OUT};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, Row};

use crate::dialect::Backend;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    Integer,
    Real,
    Text,
    Bytes,
}

impl ColumnKind {
    /// By the word of either database; None for a type that our migrations do not use.
    fn of(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "integer" | "bigint" | "smallint" => Self::Integer,
            "real" | "double precision" => Self::Real,
            "text" => Self::Text,
            "blob" | "bytea" => Self::Bytes,
            _ => return None,
        })
    }
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableShape {
    pub name: String,
    pub columns: Vec<(String, ColumnKind)>,
    /// What its rows are sorted by: its primary key, which gives one order on both databases.
    order: String,
    select: String,
}

impl TableShape {
    fn new(name: String, columns: Vec<(String, ColumnKind)>, order: String) -> Self {
        let names: Vec<String> = columns.iter().map(|(name, _)| quoted(name)).collect();
        let order = if order.is_empty() { names.join(", ") } else { order };
        let select = format!(
            "select {} from {} order by {order}",
            names.join(", "),
            quoted(&name)
        );
        Self {
            name,
            columns,
            order,
            select,
        }
    }

    /// The same table with its columns in another order; None when they are not these.
    pub(crate) fn with_columns(&self, names: &[String]) -> Option<Self> {
        let columns: Option<Vec<_>> = names
            .iter()
            .map(|wanted| self.columns.iter().find(|(name, _)| name == wanted).cloned())
            .collect();
        let is_whole = self.columns.iter().all(|(name, _)| names.contains(name));
        let columns = columns.filter(|columns| is_whole && columns.len() == self.columns.len())?;
        Some(Self::new(self.name.clone(), columns, self.order.clone()))
    }

    /// The names of its columns, in their order.
    pub fn column_names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    pub(crate) fn select(&self) -> &str {
        &self.select
    }

    /// Removes every row.
    pub(crate) fn delete(&self) -> String {
        format!("delete from {}", quoted(&self.name))
    }

    /// Inserts so many rows at once.
    pub(crate) fn insert(&self, rows: usize) -> String {
        let columns: Vec<String> = self.columns.iter().map(|(name, _)| quoted(name)).collect();
        let mut number = 0;
        let rows: Vec<String> = (0..rows)
            .map(|_| {
                let row: Vec<String> = columns
                    .iter()
                    .map(|_| {
                        number += 1;
                        format!("${number}")
                    })
                    .collect();
                format!("({})", row.join(", "))
            })
            .collect();
        format!(
            "insert into {} ({}) values {}",
            quoted(&self.name),
            columns.join(", "),
            rows.join(", ")
        )
    }

    /// The cells of a row that [`Self::select`] gave.
    pub(crate) fn cells(&self, row: &AnyRow) -> Result<Vec<Cell>, sqlx::Error> {
        self.columns
            .iter()
            .enumerate()
            .map(|(position, (_, kind))| {
                Ok(match kind {
                    ColumnKind::Integer => cell(row.try_get(position)?, Cell::Integer),
                    ColumnKind::Real => cell(row.try_get(position)?, Cell::Real),
                    ColumnKind::Text => cell(row.try_get(position)?, Cell::Text),
                    ColumnKind::Bytes => cell(row.try_get(position)?, Cell::Bytes),
                })
            })
            .collect()
    }
}

fn cell<T>(value: Option<T>, make: fn(T) -> Cell) -> Cell {
    value.map_or(Cell::Null, make)
}

/// Binds a cell; an absent one by the kind of its column, which PostgreSQL wants to know. None when it is of another
/// kind than the column.
pub(crate) fn bind<'q>(
    query: Query<'q, Any, AnyArguments<'q>>,
    kind: ColumnKind,
    cell: Cell,
) -> Option<Query<'q, Any, AnyArguments<'q>>> {
    Some(match (kind, cell) {
        (ColumnKind::Integer, Cell::Null) => query.bind(None::<i64>),
        (ColumnKind::Real, Cell::Null) => query.bind(None::<f64>),
        (ColumnKind::Text, Cell::Null) => query.bind(None::<String>),
        (ColumnKind::Bytes, Cell::Null) => query.bind(None::<Vec<u8>>),
        (ColumnKind::Integer, Cell::Integer(number)) => query.bind(number),
        (ColumnKind::Real, Cell::Real(number)) => query.bind(number),
        (ColumnKind::Text, Cell::Text(text)) => query.bind(text),
        (ColumnKind::Bytes, Cell::Bytes(bytes)) => query.bind(bytes),
        _ => return None,
    })
}

/// Every table that a backup holds, those that others refer to first.
pub(crate) async fn list(
    connection: &mut AnyConnection,
    backend: Backend,
) -> Result<Vec<TableShape>, sqlx::Error> {
    let mut tables: Vec<TableShape> = Vec::new();
    let mut keys: Vec<Vec<(i64, String)>> = Vec::new();
    for row in sqlx::query(backend.list_columns())
        .fetch_all(&mut *connection)
        .await?
    {
        let table: String = row.try_get("table_name")?;
        if LEFT_OUT.contains(&table.as_str()) {
            continue;
        }
        let (column, word): (String, String) = (row.try_get("column_name")?, row.try_get("type")?);
        let key_position: i64 = row.try_get("key_position")?;
        let kind = ColumnKind::of(&word).ok_or_else(|| {
            let detail =
                format!("column `{column}` of table `{table}` is of type `{word}`, which no backup holds");
            sqlx::Error::Protocol(detail)
        })?;
        if tables.last().is_none_or(|last| last.name != table) {
            tables.push(TableShape::new(table, Vec::new(), String::new()));
            keys.push(Vec::new());
        }
        if let (Some(shape), Some(key)) = (tables.last_mut(), keys.last_mut()) {
            if key_position > 0 {
                key.push((
                    key_position,
                    backend.ordered(&quoted(&column), kind == ColumnKind::Text),
                ));
            }
            shape.columns.push((column, kind));
        }
    }
    let tables = tables.into_iter().zip(keys).map(|(shape, mut key)| {
        key.sort();
        let order: Vec<String> = key.into_iter().map(|(_, column)| column).collect();
        TableShape::new(shape.name, shape.columns, order.join(", "))
    });
    let tables = tables.collect();
    let references = sqlx::query(backend.list_references())
        .fetch_all(connection)
        .await?;
    let references: Vec<(String, String)> = references
        .iter()
        .map(|row| Ok((row.try_get("table_name")?, row.try_get("parent")?)))
        .collect::<Result<_, sqlx::Error>>()?;
    in_order(tables, &references)
}

/// A table comes after those that it refers to.
fn in_order(
    mut waiting: Vec<TableShape>,
    references: &[(String, String)],
) -> Result<Vec<TableShape>, sqlx::Error> {
    let mut placed: Vec<TableShape> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let names: BTreeSet<String> = waiting.iter().map(|shape| shape.name.clone()).collect();
        let must_wait = |shape: &TableShape| {
            references
                .iter()
                .any(|(child, parent)| *child == shape.name && child != parent && names.contains(parent))
        };
        let (later, now): (Vec<_>, Vec<_>) = waiting.into_iter().partition(must_wait);
        if now.is_empty() {
            let names: Vec<String> = names.into_iter().collect();
            let detail = format!("the tables {} refer to each other in a circle", names.join(", "));
            return Err(sqlx::Error::Protocol(detail));
        }
        placed.extend(now);
        waiting = later;
    }
    Ok(placed)
}

pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(name: &str) -> TableShape {
        let columns = vec![
            ("a".to_owned(), ColumnKind::Text),
            ("b".to_owned(), ColumnKind::Bytes),
        ];
        TableShape::new(name.to_owned(), columns, String::new())
    }

    #[test]
    fn tables_follow_those_that_they_refer_to() {
        let references =
            [("a", "b"), ("b", "c"), ("c", "c")].map(|(child, parent)| (child.to_owned(), parent.to_owned()));
        let ordered = in_order(vec![shape("a"), shape("b"), shape("c")], &references).unwrap();
        let names: Vec<&str> = ordered.iter().map(|shape| shape.name.as_str()).collect();
        assert_eq!(names, ["c", "b", "a"]);
        let circle = [("a", "b"), ("b", "a")].map(|(child, parent)| (child.to_owned(), parent.to_owned()));
        assert!(in_order(vec![shape("a"), shape("b")], &circle).is_err());
    }

    #[test]
    fn columns_may_stand_in_another_order_but_must_be_the_same() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let turned = shape("t").with_columns(&names(&["b", "a"])).unwrap();
        assert_eq!(turned.select(), r#"select "b", "a" from "t" order by "a", "b""#);
        for wrong in [names(&["a"]), names(&["a", "b", "c"]), names(&["a", "c"])] {
            assert_eq!(shape("t").with_columns(&wrong), None);
        }
    }

    #[test]
    fn an_insert_takes_several_rows() {
        assert_eq!(
            shape("t").insert(2),
            r#"insert into "t" ("a", "b") values ($1, $2), ($3, $4)"#
        );
    }
}
