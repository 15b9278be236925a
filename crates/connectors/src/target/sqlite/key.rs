//! A key value of SQLite, whose columns hold any type: kept with its type, so that it compares as it did.

use serde::{Deserialize, Serialize};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, Sqlite, TypeInfo, ValueRef};

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Key {
    Integer(i64),
    Text(String),
    Blob {
        hex: String,
    },
    /// As its bits, which JSON does not round.
    Real {
        bits: u64,
    },
}

impl Key {
    /// Reads a column.
    pub(super) fn read(row: &SqliteRow, column: usize) -> Result<Self, sqlx::Error> {
        let kind = row.try_get_raw(column)?.type_info().name().to_owned();
        Ok(match kind.as_str() {
            "INTEGER" | "BOOLEAN" | "NUMERIC" => Self::Integer(row.try_get_unchecked(column)?),
            "TEXT" | "DATETIME" | "DATE" | "TIME" => Self::Text(row.try_get_unchecked(column)?),
            "BLOB" => {
                let bytes: Vec<u8> = row.try_get_unchecked(column)?;
                Self::Blob {
                    hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                }
            }
            "REAL" => {
                let real: f64 = row.try_get_unchecked(column)?;
                Self::Real { bits: real.to_bits() }
            }
            other => return Err(sqlx::Error::Decode(format!("a key of type {other}").into())),
        })
    }

    /// What reads like this as a text: an integer where it is written as one, else the text itself.
    pub(super) fn written(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Self::Integer(number),
            _ => Self::Text(text.to_owned()),
        }
    }

    /// Gives it to a statement.
    pub(super) fn bind<'q>(
        &self,
        query: Query<'q, Sqlite, SqliteArguments<'q>>,
    ) -> Query<'q, Sqlite, SqliteArguments<'q>> {
        match self {
            Self::Integer(number) => query.bind(*number),
            Self::Text(text) => query.bind(text.clone()),
            Self::Blob { hex } => query.bind(bytes_of(hex)),
            Self::Real { bits } => query.bind(f64::from_bits(*bits)),
        }
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
