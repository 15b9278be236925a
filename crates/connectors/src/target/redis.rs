//! Keys of Redis as targets: every string whose key matches a pattern.

use std::time::Duration;

use async_trait::async_trait;
use engine::RuleError;
use engine::ports::{
    Batch, Bounds, ConnectorError, Cursor, Locator, StoredRecord, Swap, TargetKind, TargetSession, Values,
};
use engine::rotation::ErrorClass;
use keyring::SecretText;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo,
    RedisError, Script, ServerErrorKind, TlsCertificates,
};
use serde_json::{Value, json};

use super::login_of;
use crate::database_server::is_loopback;
use crate::fields::Fields;

const TIMEOUT: Duration = Duration::from_secs(10);
/// Keys that one script touches: the server does nothing else meanwhile.
const CHUNK: usize = 100;
/// Steps of a scan that find nothing before we give the cursor back, and keys of each.
const STEPS: u32 = 50;
const SAMPLE: u64 = 10_000;

/// Compare and swap of several keys; the time to live stays.
const REPLACE: &str = r"
local done = {}
for i, key in ipairs(KEYS) do
    if redis.pcall('GET', key) == ARGV[2 * i - 1] then
        redis.call('SET', key, ARGV[2 * i], 'KEEPTTL')
        done[i] = 1
    else
        done[i] = 0
    end
end
return done
";

/// The target kind `redis`.
#[derive(Clone, Copy, Debug)]
pub struct RedisKeys;

#[derive(Debug)]
struct ServerConfig {
    host: String,
    port: u16,
    database: i64,
    tls: bool,
    ca_pem: Option<String>,
    allow_plaintext: bool,
    pattern: String,
}

impl ServerConfig {
    fn check(config: &Value) -> Result<Self, Vec<RuleError>> {
        let mut fields = Fields::of(config, "/config");
        let host = fields.required_text("host").to_owned();
        let pattern = fields.required_text("pattern").to_owned();
        let port = number(&mut fields, "port", 6_379, 65_535);
        let database = number(&mut fields, "database", 0, 1_000_000);
        let tls = fields.raw("tls").is_none_or(|tls| tls.as_bool() != Some(false));
        let allow_plaintext = fields.flag("allow_plaintext");
        if !tls && !allow_plaintext && !is_loopback(&host) {
            fields.refuse(
                "tls",
                "without TLS everything crosses the network in plain text; leave it on, or set allow_plaintext to \
                 true if you accept that",
            );
        }
        let ca_pem = fields.text("ca_pem").map(str::to_owned);
        let broken = fields.finish();
        if broken.is_empty() {
            Ok(Self {
                host,
                port: u16::try_from(port).unwrap_or(6_379),
                database: i64::try_from(database).unwrap_or(0),
                tls,
                ca_pem,
                allow_plaintext,
                pattern,
            })
        } else {
            Err(broken)
        }
    }

    fn to_json(&self) -> Value {
        let mut config = json!({
            "host": self.host, "port": self.port, "database": self.database, "tls": self.tls, "pattern": self.pattern
        });
        if let Some(ca_pem) = &self.ca_pem {
            config["ca_pem"] = json!(ca_pem);
        }
        if self.allow_plaintext {
            config["allow_plaintext"] = json!(true);
        }
        config
    }
}

fn number(fields: &mut Fields<'_>, name: &'static str, usual: u64, most: u64) -> u64 {
    let Some(value) = fields.raw(name) else {
        return usual;
    };
    match value.as_u64() {
        Some(number) if number <= most => number,
        _ => {
            fields.refuse(name, format!("a number up to {most} is expected here"));
            usual
        }
    }
}

#[async_trait]
impl TargetKind for RedisKeys {
    fn kind(&self) -> &'static str {
        "redis"
    }

    /// A scan has one cursor.
    fn is_parallel(&self) -> bool {
        false
    }

    fn needs_credential(&self) -> bool {
        false
    }

    fn check(&self, config: &Value) -> Result<Value, Vec<RuleError>> {
        ServerConfig::check(config).map(|config| config.to_json())
    }

    fn takes_columns(&self) -> bool {
        false
    }

    async fn open(
        &self,
        config: &Value,
        login: Option<&Values>,
        columns: &[String],
    ) -> Result<Box<dyn TargetSession>, ConnectorError> {
        let config = ServerConfig::check(config).map_err(|_| super::unreadable("redis"))?;
        let connection = connect(&config, login).await?;
        Ok(Box::new(KeySession {
            connection,
            pattern: config.pattern,
            names_key: !columns.is_empty(),
        }))
    }
}

async fn connect(
    config: &ServerConfig,
    login: Option<&Values>,
) -> Result<MultiplexedConnection, ConnectorError> {
    let (host, port) = (config.host.clone(), config.port);
    let address = if config.tls {
        ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        }
    } else {
        ConnectionAddr::Tcp(host, port)
    };
    let mut account = RedisConnectionInfo::default().set_db(config.database);
    let (username, password) = login_of(login);
    if let Some(password) = password {
        account = account.set_password(password.expose_text());
        // Without an account of its own, the password is that of the default user.
        if let Some(username) = username
            .map(SecretText::expose_text)
            .filter(|name| !name.is_empty())
        {
            account = account.set_username(username);
        }
    }
    let info = address
        .into_connection_info()
        .map_err(|error| words(&error))?
        .set_redis_settings(account);
    let client = if config.tls {
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: config.ca_pem.clone().map(String::into_bytes),
        };
        Client::build_with_tls(info, certificates)
    } else {
        Client::open(info)
    };
    let settings = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT));
    client
        .map_err(|error| words(&error))?
        .get_multiplexed_async_connection_with_config(&settings)
        .await
        .map_err(|error| words(&error))
}

struct KeySession {
    connection: MultiplexedConnection,
    pattern: String,
    /// The context names the key.
    names_key: bool,
}

impl KeySession {
    async fn step(&mut self, cursor: &str, count: u64) -> Result<(String, Vec<Vec<u8>>), ConnectorError> {
        redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(&self.pattern)
            .arg("COUNT")
            .arg(count)
            .arg("TYPE")
            .arg("string")
            .query_async(&mut self.connection)
            .await
            .map_err(|error| words(&error))
    }

    async fn values(&mut self, keys: Vec<Vec<u8>>) -> Result<Vec<StoredRecord>, ConnectorError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let values: Vec<Option<Vec<u8>>> = redis::cmd("MGET")
            .arg(&keys)
            .query_async(&mut self.connection)
            .await
            .map_err(|error| words(&error))?;
        let records = keys.into_iter().zip(values).filter_map(|(key, value)| {
            let fields = if self.names_key {
                vec![String::from_utf8_lossy(&key).into_owned()]
            } else {
                Vec::new()
            };
            Some(StoredRecord {
                locator: locator_of(&key),
                stored: value?,
                fields,
            })
        });
        Ok(records.collect())
    }
}

#[async_trait]
impl TargetSession for KeySession {
    async fn estimate(&mut self) -> Result<u64, ConnectorError> {
        let all: u64 = redis::cmd("DBSIZE")
            .query_async(&mut self.connection)
            .await
            .map_err(|error| words(&error))?;
        if self.pattern == "*" {
            return Ok(all);
        }
        let (next, matching) = self.step("0", SAMPLE).await?;
        let matching = matching.len() as u64;
        if next == "0" || all <= SAMPLE {
            return Ok(matching);
        }
        Ok((u128::from(matching) * u128::from(all) / u128::from(SAMPLE)) as u64)
    }

    async fn split(&mut self, _parts: u32) -> Result<Vec<Bounds>, ConnectorError> {
        Ok(vec![Bounds::default()])
    }

    async fn scan(
        &mut self,
        _bounds: &Bounds,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Batch, ConnectorError> {
        let mut next = cursor.map_or_else(|| "0".to_owned(), |cursor| cursor.0.clone());
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for _ in 0..STEPS {
            let wanted = u64::from(limit).saturating_sub(keys.len() as u64).max(10);
            let (after, found) = self.step(&next, wanted).await?;
            next = after;
            keys.extend(found);
            if next == "0" || keys.len() >= limit as usize {
                break;
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(Batch {
            records: self.values(keys).await?,
            next: (next != "0").then_some(Cursor(next)),
        })
    }

    async fn read(&mut self, locators: &[Locator]) -> Result<Vec<StoredRecord>, ConnectorError> {
        self.values(locators.iter().map(key_of).collect()).await
    }

    fn locate(&self, fields: &[String]) -> Vec<Locator> {
        // Of other patterns than `prefix*` a scan tells what belongs to the target.
        let prefix = self.pattern.strip_suffix('*').unwrap_or(&self.pattern);
        if prefix.contains(['*', '?', '[', '\\']) || !self.names_key {
            return Vec::new();
        }
        let belongs = |key: &&String| {
            if prefix.len() < self.pattern.len() {
                key.starts_with(prefix)
            } else {
                *key == prefix
            }
        };
        let key = fields.first().filter(belongs);
        key.map(|key| locator_of(key.as_bytes())).into_iter().collect()
    }

    async fn replace(&mut self, swaps: &[Swap]) -> Result<Vec<bool>, ConnectorError> {
        let script = Script::new(REPLACE);
        let mut done = Vec::with_capacity(swaps.len());
        for chunk in swaps.chunks(CHUNK) {
            let mut call = script.prepare_invoke();
            for swap in chunk {
                call.key(key_of(&swap.locator))
                    .arg(swap.before.as_slice())
                    .arg(swap.after.as_slice());
            }
            let replaced: Vec<i64> = call
                .invoke_async(&mut self.connection)
                .await
                .map_err(|error| words(&error))?;
            done.extend(replaced.into_iter().map(|replaced| replaced == 1));
        }
        Ok(done)
    }
}

const HEX: &str = "hex:";

/// The key as text; in hexadecimal digits where it is none.
fn locator_of(key: &[u8]) -> Locator {
    match std::str::from_utf8(key) {
        Ok(text) if !text.starts_with(HEX) => Locator(text.to_owned()),
        _ => {
            let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            Locator(format!("{HEX}{digits}"))
        }
    }
}

fn key_of(locator: &Locator) -> Vec<u8> {
    match locator.0.strip_prefix(HEX) {
        None => locator.0.clone().into_bytes(),
        Some(digits) => digits
            .as_bytes()
            .chunks(2)
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect(),
    }
}

/// The server's own words may hold keys, never values.
fn words(error: &RedisError) -> ConnectorError {
    let class = match error.kind() {
        ErrorKind::AuthenticationFailed => ErrorClass::Authentication,
        ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => ErrorClass::Network,
        ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain) => ErrorClass::Network,
        ErrorKind::Server(ServerErrorKind::NoPerm) => ErrorClass::Permission,
        _ => ErrorClass::Policy,
    };
    ConnectorError::new(class, format!("Redis: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_locator_that_reads_back() {
        for key in [
            b"orders:7".as_slice(),
            b"",
            b"\xff\x00",
            b"hex:00",
            "ü".as_bytes(),
        ] {
            assert_eq!(key_of(&locator_of(key)), key);
        }
    }
}
