//! Roots of trust in machines of their own: how they are reached.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use keyring::SecretText;
use url::{Host, Url};

use super::ConfigError;
use super::secret::{read_file, read_secret};

/// A secret that is needed again and again: kept when it came in a variable, read anew when it stands in a file.
#[derive(Clone)]
pub enum SecretSource {
    Given(Arc<SecretText>),
    File { variable: &'static str, path: PathBuf },
}

impl SecretSource {
    /// The secret.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn read(&self) -> Result<SecretText, ConfigError> {
        match self {
            Self::Given(secret) => Ok(secret.duplicate()),
            Self::File { variable, path } => read_file(variable, path),
        }
    }

    fn of(variable: &'static str, file_variable: &'static str) -> Result<Option<Self>, ConfigError> {
        let Some(secret) = read_secret(variable, file_variable)? else {
            return Ok(None);
        };
        let file = std::env::var_os(file_variable).filter(|path| !path.is_empty());
        Ok(Some(match file {
            Some(path) => Self::File {
                variable: file_variable,
                path: path.into(),
            },
            None => Self::Given(Arc::new(secret)),
        }))
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// A PKCS#11 token and its key.
#[derive(Clone, Debug)]
pub struct Pkcs11Settings {
    /// The library of the token's maker.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
    /// The label of the key.
    pub key: String,
    /// The PIN of the token's user.
    pub pin: SecretSource,
}

/// A key of AWS KMS.
#[derive(Clone, Debug)]
pub struct AwsKmsSettings {
    /// Its ARN, id or alias.
    pub key: String,
    pub region: String,
    pub endpoint: Url,
    pub access_key_id: String,
    pub secret_access_key: SecretSource,
    pub session_token: Option<SecretSource>,
}

/// The variables of a PKCS#11 token.
pub(super) struct Pkcs11Names {
    pub(super) module: &'static str,
    pub(super) token: &'static str,
    pub(super) key: &'static str,
    pub(super) pin: &'static str,
    pub(super) pin_file: &'static str,
}

/// The variables of a key of AWS KMS; the credentials are AWS's own variables.
pub(super) struct AwsKmsNames {
    pub(super) key: &'static str,
    pub(super) region: &'static str,
    pub(super) endpoint: &'static str,
}

impl Pkcs11Settings {
    pub(super) fn read(root: &'static str, names: &Pkcs11Names) -> Result<Self, ConfigError> {
        let pin = SecretSource::of(names.pin, names.pin_file)?;
        Ok(Self {
            module: PathBuf::from(required(root, names.module)?),
            token: required(root, names.token)?,
            key: variable(names.key).unwrap_or_else(|| "rota-root".to_owned()),
            pin: pin.ok_or_else(|| missing(root, names.pin_file))?,
        })
    }
}

impl AwsKmsSettings {
    pub(super) fn read(root: &'static str, names: &AwsKmsNames) -> Result<Self, ConfigError> {
        let region = variable(names.region).or_else(|| variable("AWS_REGION"));
        let region = region.ok_or_else(|| missing(root, names.region))?;
        let endpoint =
            variable(names.endpoint).unwrap_or_else(|| format!("https://kms.{region}.amazonaws.com"));
        let secret = SecretSource::of("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY_FILE")?;
        Ok(Self {
            key: required(root, names.key)?,
            region,
            endpoint: endpoint_of(names.endpoint, &endpoint)?,
            access_key_id: required(root, "AWS_ACCESS_KEY_ID")?,
            secret_access_key: secret.ok_or_else(|| missing(root, "AWS_SECRET_ACCESS_KEY_FILE"))?,
            session_token: SecretSource::of("AWS_SESSION_TOKEN", "AWS_SESSION_TOKEN_FILE")?,
        })
    }
}

/// What is wrapped must not travel in the clear, except to this machine itself.
fn endpoint_of(setting: &'static str, text: &str) -> Result<Url, ConfigError> {
    let invalid = |problem: &str| ConfigError::Invalid {
        setting,
        problem: problem.to_owned(),
    };
    let url = Url::parse(text).map_err(|error| invalid(&format!("is no address: {error}")))?;
    let is_local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "https" || (url.scheme() == "http" && is_local) {
        Ok(url)
    } else {
        Err(invalid("must start with https://, beyond this machine"))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn required(root: &'static str, name: &'static str) -> Result<String, ConfigError> {
    variable(name).ok_or_else(|| missing(root, name))
}

fn missing(root: &'static str, name: &'static str) -> ConfigError {
    ConfigError::Invalid {
        setting: root,
        problem: format!("needs {name} too"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_not_travel_in_the_clear() {
        for good in [
            "https://kms.eu-west-1.amazonaws.com",
            "http://127.0.0.1:5000",
            "http://localhost:5000",
        ] {
            assert!(endpoint_of("ROTA_KMS_ENDPOINT", good).is_ok(), "{good}");
        }
        for bad in ["http://kms.internal", "ftp://127.0.0.1", "kms", "http://10.0.0.1"] {
            assert!(endpoint_of("ROTA_KMS_ENDPOINT", bad).is_err(), "{bad}");
        }
    }
}
