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

    /// How a transaction begins that appends only audit entries. It is written when it answers, and its fsync is left
    /// to the next change or checkpoint. SQLite forgets the setting by [`Backend::end_of_entries`].
    pub(crate) fn begin_entries(self) -> Cow<'static, str> {
        match self {
            Self::Sqlite => "pragma synchronous = normal; begin immediate".into(),
            Self::Postgres => "begin; set local synchronous_commit = off".into(),
        }
    }

    /// After such a transaction every other one of this connection is durable again.
    pub(crate) fn end_of_entries(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => Some("pragma synchronous = full"),
            Self::Postgres => None,
        }
    }

    /// The parameter of that number, from 1. SQLite looks a numbered one up by its name, among all of them, so a
    /// statement of many takes them in order.
    pub(crate) fn parameter(self, number: usize) -> String {
        match self {
            Self::Sqlite => "?".to_owned(),
            Self::Postgres => format!("${number}"),
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

    /// A transaction that only reads, and sees one moment of everything.
    pub(crate) fn begin_snapshot(self) -> Cow<'static, str> {
        match self {
            Self::Sqlite => "begin".into(),
            Self::Postgres => "begin isolation level repeatable read read only".into(),
        }
    }

    /// What a transaction over the whole database is told: it may take longer than a request.
    pub(crate) fn settings_of_long_transaction(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[],
            Self::Postgres => &[
                "set local statement_timeout = 0",
                "set local idle_in_transaction_session_timeout = '10min'",
            ],
        }
    }

    /// Every column of every table: table, column, type, place in the primary key from 1 (0: not in it).
    pub(crate) fn list_columns(self) -> &'static str {
        match self {
            Self::Sqlite => {
                r"select t.name as table_name, c.name as column_name, c.type as type, c.pk as key_position
                    from sqlite_master t join pragma_table_info(t.name) c
                   where t.type = 'table' and substr(t.name, 1, 7) <> 'sqlite_'
                   order by t.name, c.cid"
            }
            Self::Postgres => {
                r"select cast(c.table_name as text) as table_name, cast(c.column_name as text) as column_name,
                         cast(c.data_type as text) as type, cast(coalesce(k.ordinal_position, 0) as bigint) as key_position
                    from information_schema.columns c
                    join information_schema.tables t
                      on t.table_schema = c.table_schema and t.table_name = c.table_name and t.table_type = 'BASE TABLE'
                    left join information_schema.table_constraints p
                      on p.table_schema = c.table_schema and p.table_name = c.table_name
                     and p.constraint_type = 'PRIMARY KEY'
                    left join information_schema.key_column_usage k
                      on k.constraint_schema = p.constraint_schema and k.constraint_name = p.constraint_name
                     and k.table_name = c.table_name and k.column_name = c.column_name
                   where c.table_schema = current_schema()
                   order by c.table_name, c.ordinal_position"
            }
        }
    }

    /// Which table refers to which.
    pub(crate) fn list_references(self) -> &'static str {
        match self {
            Self::Sqlite => {
                r#"select distinct t.name as table_name, f."table" as parent
                     from sqlite_master t join pragma_foreign_key_list(t.name) f
                    where t.type = 'table'"#
            }
            Self::Postgres => {
                r"select distinct cast(child.relname as text) as table_name, cast(parent.relname as text) as parent
                    from pg_constraint k
                    join pg_class child on child.oid = k.conrelid
                    join pg_class parent on parent.oid = k.confrelid
                    join pg_namespace n on n.oid = k.connamespace
                   where k.contype = 'f' and n.nspname = current_schema()"
            }
        }
    }

    /// A column to sort by, so that both databases sort alike.
    pub(crate) fn ordered(self, column: &str, is_text: bool) -> String {
        if is_text && self == Self::Postgres {
            format!("{column} collate \"C\"")
        } else {
            column.to_owned()
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
