//! Tables of SQLite files as targets. The file lies where Rota runs.

mod key;
mod session;

use async_trait::async_trait;
use engine::RuleError;
use engine::ports::{ConnectorError, TargetKind, TargetSession, Values};
use serde_json::{Value, json};

use self::session::TableSession;
use super::TableFields;
use crate::fields::Fields;

/// The target kind `sqlite`.
#[derive(Clone, Copy, Debug)]
pub struct SqliteTables;

#[derive(Debug)]
struct FileConfig {
    file: String,
    fields: TableFields,
}

impl FileConfig {
    fn check(config: &Value) -> Result<Self, Vec<RuleError>> {
        let mut fields = Fields::of(config, "/config");
        let table = TableFields::read(&mut fields);
        let file = fields.required_text("file").to_owned();
        if !file.is_empty() && (!file.starts_with('/') || file.contains('\0')) {
            fields.refuse(
                "file",
                "give the whole path of the database's file, beginning with /",
            );
        }
        let broken = fields.finish();
        if broken.is_empty() {
            Ok(Self { file, fields: table })
        } else {
            Err(broken)
        }
    }

    fn to_json(&self) -> Value {
        let mut config = json!({"file": self.file});
        self.fields.put(&mut config);
        config
    }
}

#[async_trait]
impl TargetKind for SqliteTables {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    /// One writer at a time is all that SQLite takes.
    fn is_parallel(&self) -> bool {
        false
    }

    fn needs_credential(&self) -> bool {
        false
    }

    fn check(&self, config: &Value) -> Result<Value, Vec<RuleError>> {
        FileConfig::check(config).map(|config| config.to_json())
    }

    fn takes_columns(&self) -> bool {
        true
    }

    async fn open(
        &self,
        config: &Value,
        _login: Option<&Values>,
        columns: &[String],
    ) -> Result<Box<dyn TargetSession>, ConnectorError> {
        let config = FileConfig::check(config).map_err(|_| super::unreadable("sqlite"))?;
        Ok(Box::new(TableSession::open(&config, columns).await?))
    }
}
