//! What the command line and the environment say, checked. Nothing else reads either.

mod keys;
mod machine;
mod network;
mod root;
mod secret;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use api::IsoDuration;
use clap::{Args, ValueEnum};
use engine::recovery::RecoveryPolicy;
use keyring::SecretText;
use url::Url;

use self::keys::KeyOptions;

pub use keys::KeySettings;
pub use machine::{AwsKmsSettings, Pkcs11Settings, SecretSource};
pub use network::AddressRange;
pub use root::{GivenPassphrase, RootKeyOptions, RootKeySource, RootKind, read_secret_file};
pub use secret::{DatabaseUrl, read_secret};

/// A wrong setting, and how to mend it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Two settings that exclude each other.
    #[error("{first} and {second} are both set, and only one of them may be; unset one")]
    Both {
        first: &'static str,
        second: &'static str,
    },
    /// A file that cannot be read.
    #[error("{variable} names {path}, which cannot be read: {cause}")]
    Unreadable {
        variable: String,
        path: PathBuf,
        cause: std::io::Error,
    },
    /// A value we do not take.
    #[error("{setting} {problem}")]
    Invalid { setting: &'static str, problem: String },
    /// Plain HTTP in the open.
    #[error(
        "{listen} can be reached from other machines, and passwords must not travel in the clear: give ROTA_TLS_CERT and \
         ROTA_TLS_KEY, or name the proxy that ends TLS in ROTA_TRUSTED_PROXY, or listen on 127.0.0.1"
    )]
    PlainAndOpen { listen: SocketAddr },
}

/// Where the data is.
#[derive(Args, Clone, Debug)]
pub struct DatabaseOptions {
    /// sqlite:FILE or postgres://USER:PASSWORD@HOST/DATABASE; also ROTA_DATABASE_URL_FILE
    #[arg(long, env = "ROTA_DATABASE_URL", hide_env_values = true)]
    database_url: Option<DatabaseUrl>,
    #[arg(long, env = "ROTA_DATABASE_URL_FILE", hide = true)]
    database_url_file: Option<PathBuf>,
}

impl DatabaseOptions {
    /// The address of the database; `sqlite:rota.db` when nothing is said.
    ///
    /// # Errors
    /// When it is given twice or its file cannot be read.
    pub fn url(&self) -> Result<DatabaseUrl, ConfigError> {
        match (&self.database_url, &self.database_url_file) {
            (Some(_), Some(_)) => Err(ConfigError::Both {
                first: "ROTA_DATABASE_URL",
                second: "ROTA_DATABASE_URL_FILE",
            }),
            (Some(url), None) => Ok(url.clone()),
            (None, Some(path)) => {
                let text = secret::read_file("ROTA_DATABASE_URL_FILE", path)?;
                Ok(DatabaseUrl::new(text.expose_text()))
            }
            (None, None) => Ok(DatabaseUrl::new("sqlite:rota.db")),
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people at a terminal.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// When the reply to a data operation leaves (P1, P2). State changes are always fsynced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuditDurability {
    /// After its audit entry is written.
    Written,
    /// After its audit entry is fsynced.
    Fsynced,
}

/// How often a restore is rehearsed, and what is too old. ISO 8601 durations.
#[derive(Args, Clone, Copy, Debug)]
struct RecoveryOptions {
    /// How often a backup is made, restored elsewhere and read, to see that it can be; PT0S: never
    #[arg(long, env = "ROTA_REHEARSE_EVERY", default_value = "P1D")]
    rehearse_every: IsoDuration,
    /// A finding when no rehearsal has passed for so long
    #[arg(long, env = "ROTA_REHEARSAL_LIMIT", default_value = "P3D")]
    rehearsal_limit: IsoDuration,
    /// A finding when no backup was made for so long
    #[arg(long, env = "ROTA_BACKUP_LIMIT", default_value = "P7D")]
    backup_limit: IsoDuration,
}

impl RecoveryOptions {
    fn policy(self) -> RecoveryPolicy {
        RecoveryPolicy {
            rehearse_every: self.rehearse_every.into(),
            rehearsal_limit: self.rehearsal_limit.into(),
            backup_limit: self.backup_limit.into(),
        }
    }
}

/// `rota serve`.
#[derive(Args, Clone, Debug)]
pub struct ServeOptions {
    #[command(flatten)]
    pub database: DatabaseOptions,
    #[command(flatten)]
    pub root_key: RootKeyOptions,
    /// A root of trust that stands elsewhere may be silent for so long before its keys are wiped from memory, e.g. PT1H
    #[arg(long, env = "ROTA_ROOT_GRACE", default_value = "PT1H")]
    root_grace: api::IsoDuration,
    /// The address to listen on
    #[arg(long, env = "ROTA_LISTEN", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// The address people and programs use, e.g. https://rota.example.com
    #[arg(long, env = "ROTA_PUBLIC_URL")]
    public_url: Option<Url>,
    /// The certificate chain, as PEM
    #[arg(long, env = "ROTA_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, as PEM
    #[arg(long, env = "ROTA_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Addresses or ranges of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed
    #[arg(long, env = "ROTA_TRUSTED_PROXY", value_delimiter = ',')]
    trusted_proxy: Vec<AddressRange>,
    /// Offer the sandbox: programs of our own that use credentials, to try rotations on
    #[arg(long, env = "ROTA_SANDBOX", default_value = "0", value_parser = parse_switch, action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "1")]
    sandbox: bool,
    /// Answer /metrics to everyone
    #[arg(long, env = "ROTA_METRICS_OPEN", default_value = "0", value_parser = parse_switch,
          action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "1")]
    metrics_open: bool,
    /// At most this many series that name one object
    #[arg(long, env = "ROTA_METRICS_SERIES_LIMIT", default_value_t = 10_000)]
    metrics_series_limit: usize,
    /// When the reply to encrypt and decrypt leaves: after its audit entry is written, or fsynced
    #[arg(long, env = "ROTA_AUDIT_DURABILITY", default_value = "written")]
    audit_durability: AuditDurability,
    #[command(flatten)]
    keys: KeyOptions,
    #[command(flatten)]
    recovery: RecoveryOptions,
    /// How log lines look
    #[arg(long, env = "ROTA_LOG_FORMAT", default_value = "pretty")]
    log_format: LogFormat,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Everything `rota serve` needs to know.
#[derive(Debug)]
pub struct Config {
    pub database: DatabaseUrl,
    pub root_key: RootKeySource,
    /// Where a migration of the root goes.
    pub next_root: Option<RootKeySource>,
    pub root_grace: Duration,
    pub listen: SocketAddr,
    pub public_url: Option<Url>,
    pub tls: Option<TlsFiles>,
    pub trusted_proxies: Vec<AddressRange>,
    pub bootstrap_token: Option<SecretText>,
    pub sandbox: bool,
    pub metrics_open: bool,
    pub metrics_series_limit: usize,
    pub audit_durability: AuditDurability,
    pub keys: KeySettings,
    pub recovery: RecoveryPolicy,
    pub log_format: LogFormat,
}

/// A shorter bootstrap token could be guessed.
const BOOTSTRAP_TOKEN_LENGTH: usize = 32;

impl ServeOptions {
    /// Checks everything that can be checked without touching the database.
    ///
    /// # Errors
    /// With the first setting that is wrong and how to mend it.
    pub fn check(self) -> Result<Config, ConfigError> {
        let database = self.database.url()?;
        let root_key = self.root_key.source(&database)?;
        let next_root = self.root_key.next_source()?;
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            _ => None,
        };
        if !self.listen.ip().is_loopback() && tls.is_none() && self.trusted_proxy.is_empty() {
            return Err(ConfigError::PlainAndOpen { listen: self.listen });
        }
        if let Some(url) = &self.public_url {
            check_public_url(url)?;
        }
        let bootstrap_token = read_secret("ROTA_BOOTSTRAP_TOKEN", "ROTA_BOOTSTRAP_TOKEN_FILE")?;
        if let Some(token) = &bootstrap_token
            && token.len() < BOOTSTRAP_TOKEN_LENGTH
        {
            return Err(ConfigError::Invalid {
                setting: "ROTA_BOOTSTRAP_TOKEN",
                problem: format!(
                    "has {} characters and needs at least {BOOTSTRAP_TOKEN_LENGTH}; `openssl rand -hex 32` makes one",
                    token.len()
                ),
            });
        }
        Ok(Config {
            database,
            root_key,
            next_root,
            root_grace: self.root_grace.into(),
            listen: self.listen,
            public_url: self.public_url,
            tls,
            trusted_proxies: self.trusted_proxy,
            bootstrap_token,
            sandbox: self.sandbox,
            metrics_open: self.metrics_open,
            metrics_series_limit: self.metrics_series_limit,
            audit_durability: self.audit_durability,
            keys: self.keys.check()?,
            recovery: self.recovery.policy(),
            log_format: self.log_format,
        })
    }
}

impl Config {
    /// Where backups grow before they are sent: beside the database, which is on a disk.
    pub fn spool_folder(&self) -> PathBuf {
        match self.database.sqlite_file() {
            Some(_) => self.database.folder(),
            None => std::env::temp_dir(),
        }
    }

    /// Where the sandbox keeps its files: beside the database, so that both go together.
    pub fn sandbox_folder(&self) -> PathBuf {
        let beside = self
            .database
            .sqlite_file()
            .and_then(|file| Some(file.parent()?.join("sandbox")));
        beside.unwrap_or_else(|| PathBuf::from(".rota/sandbox"))
    }
}

fn check_public_url(url: &Url) -> Result<(), ConfigError> {
    let problem = if !matches!(url.scheme(), "http" | "https") {
        "must start with https:// or http://"
    } else if url.host().is_none() {
        "names no host"
    } else if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        "must be a bare address such as https://rota.example.com, without a path"
    } else if !url.username().is_empty() || url.password().is_some() {
        "must not hold a user name or password"
    } else {
        return Ok(());
    };
    Err(ConfigError::Invalid {
        setting: "ROTA_PUBLIC_URL",
        problem: problem.to_owned(),
    })
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("write 1 or 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        options: ServeOptions,
    }

    fn check(arguments: &[&str]) -> Result<Config, ConfigError> {
        let line = std::iter::once("rota").chain(arguments.iter().copied());
        CommandLine::try_parse_from(line).unwrap().options.check()
    }

    #[test]
    fn plain_http_in_the_open_is_refused_unless_a_proxy_is_named() {
        assert!(matches!(
            check(&["--listen", "0.0.0.0:3000"]),
            Err(ConfigError::PlainAndOpen { .. })
        ));
        assert!(check(&["--listen", "0.0.0.0:3000", "--trusted-proxy", "10.0.0.0/8"]).is_ok());
        assert!(check(&["--listen", "0.0.0.0:3000", "--tls-cert", "c", "--tls-key", "k"]).is_ok());
        assert!(check(&["--listen", "[::1]:0"]).is_ok());
    }

    #[test]
    fn a_public_address_is_bare() {
        for refused in ["ftp://a", "https://a/path", "https://u:p@a", "https://a?x"] {
            assert!(check(&["--public-url", refused]).is_err(), "{refused}");
        }
        assert!(check(&["--public-url", "https://rota.example.com"]).is_ok());
    }

    #[test]
    fn the_root_key_stands_beside_the_database_when_nothing_is_said() {
        let config = check(&["--database-url", "sqlite:/var/lib/rota/rota.db"]).unwrap();
        assert!(
            matches!(config.root_key, RootKeySource::BesideDatabase(path) if path.as_os_str() == "/var/lib/rota/root.key")
        );
    }

    #[test]
    fn a_database_address_given_twice_is_refused() {
        let refused = check(&["--database-url", "sqlite:a.db", "--database-url-file", "b"]);
        assert!(matches!(refused, Err(ConfigError::Both { .. })));
    }

    #[test]
    fn limits_of_keys_are_checked() {
        let keys = check(&["--view-limit", "PT3S", "--key-alarm-percent", "0.5"])
            .unwrap()
            .keys;
        assert_eq!((keys.view_limit.as_secs(), keys.alarm.percent), (3, 0.5));
        for (setting, value) in [
            ("--view-limit", "PT0S"),
            ("--view-limit", "PT2M"),
            ("--key-alarm-percent", "0"),
            ("--key-alarm-percent", "101"),
            ("--key-alarm-percent", "NaN"),
        ] {
            assert!(check(&[setting, value]).is_err(), "{setting} {value}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_printed() {
        let config = check(&["--database-url", "postgres://rota:hunter2@db/rota"]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
