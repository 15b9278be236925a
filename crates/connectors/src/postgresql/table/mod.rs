//! Tables of PostgreSQL as targets: a column of envelopes, rows told apart by a unique key.
//!
//! The login needs `select` on the key, the column and what the context names, and `update` on the column.

mod session;
mod shape;

use async_trait::async_trait;
use engine::RuleError;
use engine::ports::{ConnectorError, TargetKind, TargetSession, Values};
use engine::rotation::ErrorClass;
use serde_json::{Value, json};

use self::session::TableSession;
use super::config::IssuerConfig;
use crate::fields::Fields;
use crate::target::{TableFields, login_of};

/// The target kind `postgresql`.
#[derive(Clone, Copy, Debug)]
pub struct PostgreSqlTables;

/// Where the server is, and what of it.
#[derive(Debug)]
struct TableConfig {
    server: IssuerConfig,
    schema: String,
    fields: TableFields,
}

/// What belongs to the table; the rest says how the server is reached.
const OWN: [&str; 4] = ["schema", "table", "column", "key"];

impl TableConfig {
    fn check(config: &Value) -> Result<Self, Vec<RuleError>> {
        let mut own = json!({});
        let mut server = config.clone();
        if let Some(object) = server.as_object_mut() {
            for name in OWN {
                if let Some(value) = object.remove(name) {
                    own[name] = value;
                }
            }
        }
        let mut fields = Fields::of(&own, "/config");
        let table = TableFields::read(&mut fields);
        let schema = fields.text("schema").unwrap_or("public").to_owned();
        if schema.is_empty() || schema.contains('\0') {
            fields.refuse("schema", "expected the name of a schema");
        }
        let mut broken = fields.finish();
        let server = IssuerConfig::check(&server).map_err(|errors| broken.extend(errors));
        match (server, broken.is_empty()) {
            (Ok(server), true) => Ok(Self {
                server,
                schema,
                fields: table,
            }),
            _ => Err(broken),
        }
    }

    fn to_json(&self) -> Value {
        let mut config = self.server.to_json();
        config["schema"] = json!(self.schema);
        self.fields.put(&mut config);
        config
    }
}

#[async_trait]
impl TargetKind for PostgreSqlTables {
    fn kind(&self) -> &'static str {
        "postgresql"
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
        let config = TableConfig::check(config).map_err(|_| crate::target::unreadable("postgresql"))?;
        let (Some(username), Some(password)) = login_of(login) else {
            return Err(ConnectorError::new(
                ErrorClass::Policy,
                "the credential holds no username and password",
            ));
        };
        let session = TableSession::open(&config, username.expose_text(), password, columns).await?;
        Ok(Box::new(session))
    }
}
