//! Where the root key comes from, and where a migration of it goes.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use clap::{Args, ValueEnum};
use keyring::SecretText;

use super::ConfigError;
use super::machine::{AwsKmsNames, AwsKmsSettings, Pkcs11Names, Pkcs11Settings};
use super::secret::{DatabaseUrl, read_file, read_secret};

/// Where the root key comes from.
#[derive(Args, Clone, Debug)]
pub struct RootKeyOptions {
    /// The kind of the root of trust; by default a file or a passphrase, whichever is given
    #[arg(long, env = "ROTA_ROOT")]
    root: Option<RootKind>,
    /// The file with the root key, made with mode 0600 while the database holds nothing sealed.
    /// Instead: ROTA_ROOT_PASSPHRASE or ROTA_ROOT_PASSPHRASE_FILE
    #[arg(long, env = "ROTA_ROOT_KEY_FILE")]
    root_key_file: Option<PathBuf>,
    /// The kind of the root that a migration goes to; its settings are those of the root with ROTA_NEXT_ before them
    #[arg(long, env = "ROTA_NEXT_ROOT")]
    next_root: Option<RootKind>,
    /// The key file that a migration goes to
    #[arg(long, env = "ROTA_NEXT_ROOT_KEY_FILE")]
    next_root_key_file: Option<PathBuf>,
}

/// The kinds of roots of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RootKind {
    /// A file with 32 bytes
    File,
    /// A passphrase, stretched by Argon2id
    Passphrase,
    /// Shares that people hold
    Shares,
    /// A credential of systemd, see systemd-creds(1)
    Systemd,
    /// A key in a PKCS#11 token
    Pkcs11,
    /// A key of AWS KMS
    AwsKms,
}

/// Where the root key comes from, decided.
#[derive(Clone, Debug)]
pub enum RootKeySource {
    /// A file that was named.
    File(PathBuf),
    /// `root.key` beside the database: a standing finding.
    BesideDatabase(PathBuf),
    /// A passphrase, stretched with a stored salt.
    Passphrase(GivenPassphrase),
    /// A passphrase in a file, read whenever it is needed.
    PassphraseFile(PathBuf),
    /// A passphrase that a person types to unseal.
    AskForPassphrase,
    /// Shares that people give to unseal.
    Shares,
    /// A file that systemd provides.
    Systemd(PathBuf),
    /// A key in a PKCS#11 token.
    Pkcs11(Pkcs11Settings),
    /// A key of AWS KMS.
    AwsKms(AwsKmsSettings),
}

/// A passphrase from a variable: kept until it has opened what it is for.
#[derive(Clone)]
pub struct GivenPassphrase(Arc<Mutex<Option<SecretText>>>);

impl GivenPassphrase {
    /// Keeps a passphrase.
    pub fn new(passphrase: SecretText) -> Self {
        Self(Arc::new(Mutex::new(Some(passphrase))))
    }

    /// A copy, as long as it is kept.
    pub fn copy(&self) -> Option<SecretText> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(SecretText::duplicate)
    }

    /// Wipes it.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl fmt::Debug for GivenPassphrase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// The variables of one root.
struct Names {
    root: &'static str,
    key_file: &'static str,
    passphrase: &'static str,
    passphrase_file: &'static str,
    credential: &'static str,
    pkcs11: Pkcs11Names,
    aws_kms: AwsKmsNames,
}

const CURRENT: Names = Names {
    root: "ROTA_ROOT",
    key_file: "ROTA_ROOT_KEY_FILE",
    passphrase: "ROTA_ROOT_PASSPHRASE",
    passphrase_file: "ROTA_ROOT_PASSPHRASE_FILE",
    credential: "ROTA_ROOT_CREDENTIAL",
    pkcs11: Pkcs11Names {
        module: "ROTA_PKCS11_MODULE",
        token: "ROTA_PKCS11_TOKEN",
        key: "ROTA_PKCS11_KEY",
        pin: "ROTA_PKCS11_PIN",
        pin_file: "ROTA_PKCS11_PIN_FILE",
    },
    aws_kms: AwsKmsNames {
        key: "ROTA_KMS_KEY",
        region: "ROTA_KMS_REGION",
        endpoint: "ROTA_KMS_ENDPOINT",
    },
};

const NEXT: Names = Names {
    root: "ROTA_NEXT_ROOT",
    key_file: "ROTA_NEXT_ROOT_KEY_FILE",
    passphrase: "ROTA_NEXT_ROOT_PASSPHRASE",
    passphrase_file: "ROTA_NEXT_ROOT_PASSPHRASE_FILE",
    credential: "ROTA_NEXT_ROOT_CREDENTIAL",
    pkcs11: Pkcs11Names {
        module: "ROTA_NEXT_PKCS11_MODULE",
        token: "ROTA_NEXT_PKCS11_TOKEN",
        key: "ROTA_NEXT_PKCS11_KEY",
        pin: "ROTA_NEXT_PKCS11_PIN",
        pin_file: "ROTA_NEXT_PKCS11_PIN_FILE",
    },
    aws_kms: AwsKmsNames {
        key: "ROTA_NEXT_KMS_KEY",
        region: "ROTA_NEXT_KMS_REGION",
        endpoint: "ROTA_NEXT_KMS_ENDPOINT",
    },
};

/// The credential of systemd that is read when no other is named.
const CREDENTIAL: &str = "rota-root-key";

impl RootKeyOptions {
    /// The source of the root key for this database.
    ///
    /// # Errors
    /// When several are given, or what belongs to the kind is missing.
    pub fn source(&self, database: &DatabaseUrl) -> Result<RootKeySource, ConfigError> {
        let given = given(&CURRENT, self.root, self.root_key_file.as_deref())?;
        Ok(given.unwrap_or_else(|| RootKeySource::BesideDatabase(database.folder().join("root.key"))))
    }

    /// The source of the root key that a migration goes to, if one is configured.
    ///
    /// # Errors
    /// As [`RootKeyOptions::source`].
    pub fn next_source(&self) -> Result<Option<RootKeySource>, ConfigError> {
        let given = given(&NEXT, self.next_root, self.next_root_key_file.as_deref())?;
        match (given, self.next_root) {
            (None, Some(_)) => Err(missing(&NEXT, NEXT.key_file)),
            (given, _) => Ok(given),
        }
    }
}

/// None: nothing is said, or a file without its name.
fn given(
    names: &'static Names,
    kind: Option<RootKind>,
    key_file: Option<&Path>,
) -> Result<Option<RootKeySource>, ConfigError> {
    let passphrase = passphrase(names)?;
    let kind = match (kind, key_file, &passphrase) {
        (None, Some(_), Some(_)) => {
            return Err(ConfigError::Both {
                first: names.key_file,
                second: names.passphrase,
            });
        }
        (Some(kind), Some(_), _) if kind != RootKind::File => return Err(superfluous(names, names.key_file)),
        (Some(kind), _, Some(_)) if kind != RootKind::Passphrase => {
            return Err(superfluous(names, names.passphrase));
        }
        (Some(kind), _, _) => kind,
        (None, Some(_), None) => RootKind::File,
        (None, None, Some(_)) => RootKind::Passphrase,
        (None, None, None) => return Ok(None),
    };
    Ok(match kind {
        RootKind::File => key_file.map(|path| RootKeySource::File(path.to_owned())),
        RootKind::Passphrase => Some(passphrase.unwrap_or(RootKeySource::AskForPassphrase)),
        RootKind::Shares => Some(RootKeySource::Shares),
        RootKind::Systemd => Some(RootKeySource::Systemd(credential(names)?)),
        RootKind::Pkcs11 => {
            let settings = Pkcs11Settings::read(names.root, &names.pkcs11)?;
            Some(RootKeySource::Pkcs11(settings))
        }
        RootKind::AwsKms => {
            let settings = AwsKmsSettings::read(names.root, &names.aws_kms)?;
            Some(RootKeySource::AwsKms(settings))
        }
    })
}

fn passphrase(names: &'static Names) -> Result<Option<RootKeySource>, ConfigError> {
    let Some(passphrase) = read_secret(names.passphrase, names.passphrase_file)? else {
        return Ok(None);
    };
    let file = std::env::var_os(names.passphrase_file).filter(|path| !path.is_empty());
    Ok(Some(match file {
        Some(path) => RootKeySource::PassphraseFile(path.into()),
        None => RootKeySource::Passphrase(GivenPassphrase::new(passphrase)),
    }))
}

/// The file of a credential, as systemd hands it over.
fn credential(names: &'static Names) -> Result<PathBuf, ConfigError> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").filter(|folder| !folder.is_empty());
    let Some(folder) = folder else {
        let problem = "is `systemd`, but CREDENTIALS_DIRECTORY is not set: start Rota as a service of systemd with \
                       LoadCredentialEncrypted=rota-root-key:…";
        return Err(ConfigError::Invalid {
            setting: names.root,
            problem: problem.to_owned(),
        });
    };
    let name = std::env::var(names.credential).unwrap_or_else(|_| CREDENTIAL.to_owned());
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(ConfigError::Invalid {
            setting: names.credential,
            problem: format!("must be the name of a credential such as {CREDENTIAL}, without a path"),
        });
    }
    Ok(PathBuf::from(folder).join(name))
}

fn superfluous(names: &'static Names, variable: &'static str) -> ConfigError {
    ConfigError::Both {
        first: names.root,
        second: variable,
    }
}

fn missing(names: &'static Names, variable: &'static str) -> ConfigError {
    ConfigError::Invalid {
        setting: names.root,
        problem: format!("needs {variable} too"),
    }
}

/// A secret from a file that is read again whenever it is needed.
///
/// # Errors
/// When the file cannot be read.
pub fn read_secret_file(variable: &str, path: &Path) -> Result<SecretText, ConfigError> {
    read_file(variable, path)
}
