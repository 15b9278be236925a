//! Everything in which the two databases differ.

use std::borrow::Cow;

use sqlx::AnyConnection;

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    /// The word in logs and on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }

    /// By the scheme of a URL.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        if url.starts_with("sqlite:") {
            Some(Self::Sqlite)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Some(Self::Postgres)
        } else {
            None
        }
    }

    /// How a writing transaction begins. SQLite takes its one write lock at once, so that it never has to upgrade.
    pub(crate) fn begin(self) -> Cow<'static, str> {
        match self {
            Self::Sqlite => "begin immediate".into(),
            Self::Postgres => "begin".into(),
        }
    }

    /// Reads a lease's token and keeps others from taking the lease until the transaction ends. SQLite has one
    /// writer, so nobody can.
    pub(crate) fn hold_lease(self) -> &'static str {
        match self {
            Self::Sqlite => r"select token from lease where rotation = $1",
            Self::Postgres => r"select token from lease where rotation = $1 for share",
        }
    }

    /// Finds a credential and keeps it from being deleted until the transaction ends.
    pub(crate) fn hold_credential(self) -> &'static str {
        match self {
            Self::Sqlite => r"select id from credential where id = $1",
            Self::Postgres => r"select id from credential where id = $1 for key share",
        }
    }

    /// Reads a rotation's revision and keeps it until the transaction ends.
    pub(crate) fn hold_rotation(self) -> &'static str {
        match self {
            Self::Sqlite => r"select revision from rotation where id = $1",
            Self::Postgres => r"select revision from rotation where id = $1 for share",
        }
    }

    /// Reads the end of the audit chain and keeps every other writer from it until the transaction ends.
    pub(crate) fn hold_audit_head(self) -> &'static str {
        match self {
            Self::Sqlite => r"select sequence, hash, commits from audit_head where id = 1",
            Self::Postgres => r"select sequence, hash, commits from audit_head where id = 1 for update",
        }
    }

    /// Keeps two starting servers from migrating at once; released with the transaction.
    pub(crate) fn hold_migrations(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(r"select pg_advisory_xact_lock(7381264)"),
        }
    }

    /// What each new connection is told.
    ///
    /// SQLite: durable when answered (`full`), readers beside the writer (`wal`), shredded means overwritten
    /// (`secure_delete`). PostgreSQL: nothing hangs for ever.
    pub(crate) fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[
                "pragma busy_timeout = 5000",
                "pragma journal_mode = wal",
                "pragma synchronous = full",
                "pragma foreign_keys = on",
                "pragma secure_delete = on",
            ],
            Self::Postgres => &[
                "set statement_timeout = '20s'",
                "set idle_in_transaction_session_timeout = '30s'",
                "set default_transaction_isolation = 'read committed'",
                "set synchronous_commit = on",
            ],
        }
    }

    /// Gives a new connection its settings.
    pub(crate) async fn prepare(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        for setting in self.settings() {
            sqlx::query(setting).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, Row};

    use super::*;

    #[tokio::test]
    async fn sqlite_is_durable_and_shreds() {
        sqlx::any::install_default_drivers();
        let folder = tempfile::TempDir::new().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("rota.db").display());
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        Backend::Sqlite.prepare(&mut connection).await.unwrap();
        for (pragma, expected) in [("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1)] {
            let row = sqlx::query(&format!("pragma {pragma}"))
                .fetch_one(&mut connection)
                .await
                .unwrap();
            assert_eq!(row.get::<i64, _>(0), expected, "{pragma}");
        }
        let row = sqlx::query("pragma journal_mode")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(row.get::<String, _>(0), "wal");
    }
}
