//! An entity as it is kept: JSON in `body`, beside the columns that queries need (ADR 4).

use engine::ports::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::failure::WriteError;

/// An entity with an id and a revision.
pub(crate) trait Document: Serialize + DeserializeOwned {
    const TABLE: &'static str;
    fn key(&self) -> String;
    /// The column counts, not what the body says.
    fn set_revision(&mut self, revision: i64);
}

macro_rules! documents {
    ($($entity:ty => $table:literal,)*) => {$(
        impl Document for $entity {
            const TABLE: &'static str = $table;
            fn key(&self) -> String {
                self.id.to_string()
            }
            fn set_revision(&mut self, revision: i64) {
                self.revision = revision;
            }
        }
    )*};
}

documents! {
    engine::catalog::Issuer => "issuer",
    engine::catalog::Consumer => "consumer",
    engine::catalog::Credential => "credential",
    engine::rotation::Rotation => "rotation",
    engine::key::Key => "key",
    engine::freeze::Freeze => "freeze",
    engine::access::Account => "account",
    engine::access::Token => "token",
    engine::access::SignInLink => "sign_in_link",
    engine::reencryption::Target => "target",
    engine::reencryption::Job => "reencryption",
    engine::reencryption::ApplicationBackup => "application_backup",
    engine::recovery::Rehearsal => "rehearsal",
}

/// The columns that every such table has.
struct DocumentRow {
    id: String,
    body: String,
    revision: i64,
}

impl DocumentRow {
    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            body: row.try_get("body")?,
            revision: row.try_get("revision")?,
        })
    }

    fn into_document<D: Document>(self) -> Result<D, StoreError> {
        let mut document: D = parse_body(D::TABLE, &self.id, &self.body)?;
        if document.key() != self.id {
            return Err(damaged(D::TABLE, &self.id, "the body is that of another row"));
        }
        document.set_revision(self.revision);
        Ok(document)
    }
}

/// The entity of a row with the columns `id`, `body`, `revision`.
pub(crate) fn read<D: Document>(row: &AnyRow) -> Result<D, StoreError> {
    DocumentRow::read(row)
        .map_err(crate::failure::reading(D::TABLE))?
        .into_document()
}

/// The same for a lookup.
pub(crate) fn read_optional<D: Document>(row: Option<&AnyRow>) -> Result<Option<D>, StoreError> {
    row.map(read).transpose()
}

/// The same for a list.
pub(crate) fn read_all<D: Document>(rows: &[AnyRow]) -> Result<Vec<D>, StoreError> {
    rows.iter().map(read).collect()
}

/// The JSON of an entity.
pub(crate) fn to_body<T: Serialize>(entity: &T) -> Result<String, WriteError> {
    serde_json::to_string(entity).map_err(|error| WriteError::Database(sqlx::Error::Encode(error.into())))
}

/// The entity of a JSON text. The error tells where, never what stands there: bodies hold hashes.
pub(crate) fn parse_body<T: DeserializeOwned>(
    table: &'static str,
    key: &str,
    body: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        damaged(
            table,
            key,
            format!("the body does not fit ({:?} at {place})", error.classify()),
        )
    })
}

/// A row that we would never have written.
pub(crate) fn damaged(
    table: &'static str,
    key: &(impl ToString + ?Sized),
    detail: impl Into<String>,
) -> StoreError {
    StoreError::Damaged {
        table,
        key: key.to_string(),
        detail: detail.into(),
    }
}
