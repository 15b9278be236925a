//! Tables of MySQL and MariaDB as targets: a column of envelopes, rows told apart by a unique key.
//!
//! The login needs `select` and `update` on the table, and nothing else.

mod look;
mod session;
mod shape;
mod words;

use async_trait::async_trait;
use engine::RuleError;
use engine::ports::{ConnectorError, TargetKind, TargetSession, Values};
use serde_json::{Value, json};
use sqlx::mysql::MySqlSslMode;

use self::session::TableSession;
use self::words::refuse;
use super::{TableFields, login_of};
use crate::database_server::{DatabaseServer, SslMode};
use crate::fields::Fields;

const USUAL_PORT: u16 = 3306;

/// The target kind `mysql`.
#[derive(Clone, Copy, Debug)]
pub struct MySqlTables;

/// Where the server is, and what of it.
#[derive(Debug)]
struct TableConfig {
    server: DatabaseServer,
    database: String,
    fields: TableFields,
}

impl TableConfig {
    fn check(config: &Value) -> Result<Self, Vec<RuleError>> {
        let mut fields = Fields::of(config, "/config");
        let server = DatabaseServer::read(&mut fields, USUAL_PORT);
        let database = fields.required_text("database").to_owned();
        if database.contains('\0') {
            fields.refuse("database", "give the name of a database");
        }
        let table = TableFields::read(&mut fields);
        let broken = fields.finish();
        if broken.is_empty() {
            Ok(Self {
                server,
                database,
                fields: table,
            })
        } else {
            Err(broken)
        }
    }

    fn to_json(&self) -> Value {
        let mut config = json!({ "database": self.database });
        self.server.put(&mut config);
        self.fields.put(&mut config);
        config
    }
}

impl From<SslMode> for MySqlSslMode {
    fn from(mode: SslMode) -> Self {
        match mode {
            SslMode::Disable => Self::Disabled,
            SslMode::Require => Self::Required,
            SslMode::VerifyCa => Self::VerifyCa,
            SslMode::VerifyFull => Self::VerifyIdentity,
        }
    }
}

#[async_trait]
impl TargetKind for MySqlTables {
    fn kind(&self) -> &'static str {
        "mysql"
    }

    fn is_parallel(&self) -> bool {
        true
    }

    fn needs_credential(&self) -> bool {
        true
    }

    fn check(&self, config: &Value) -> Result<Value, Vec<RuleError>> {
        TableConfig::check(config).map(|config| config.to_json())
    }

    fn takes_columns(&self) -> bool {
        true
    }

    async fn open(
        &self,
        config: &Value,
        login: Option<&Values>,
        columns: &[String],
    ) -> Result<Box<dyn TargetSession>, ConnectorError> {
        let config = TableConfig::check(config).map_err(|_| super::unreadable("mysql"))?;
        let (Some(username), Some(password)) = login_of(login) else {
            return Err(refuse("the credential holds no username and password".to_owned()));
        };
        let session = TableSession::open(&config, username.expose_text(), password, columns).await?;
        Ok(Box::new(session))
    }
}
