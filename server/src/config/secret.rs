//! Secrets from the environment, or from files that it names.

use std::fmt;
use std::path::{Path, PathBuf};

use keyring::SecretText;

use super::ConfigError;

/// The address of the database. It may hold a password, so it is never printed whole.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Takes an address as it is; the store says what is wrong with it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The whole address, for the store.
    pub fn expose_url(&self) -> &str {
        &self.0
    }

    /// The file, when it is a SQLite database.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        let rest = self.0.strip_prefix("sqlite:")?;
        let path = rest.strip_prefix("//").unwrap_or(rest);
        let path = path.split('?').next().unwrap_or(path);
        Some(PathBuf::from(path))
    }

    /// The folder the database lies in: where its root key and its control socket are. For PostgreSQL, the
    /// working folder.
    pub fn folder(&self) -> PathBuf {
        let folder = self
            .sqlite_file()
            .and_then(|file| file.parent().map(Path::to_path_buf));
        folder
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or_else(|| PathBuf::from("."))
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(text))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sqlite_file() {
            Some(file) => write!(formatter, "sqlite:{}", file.display()),
            None => formatter.write_str("postgres:***"),
        }
    }
}

/// A secret from the variable `variable`, or from the file that `file_variable` names.
///
/// # Errors
/// When both are set, or the file cannot be read.
pub fn read_secret(
    variable: &'static str,
    file_variable: &'static str,
) -> Result<Option<SecretText>, ConfigError> {
    let direct = std::env::var(variable)
        .ok()
        .filter(|text| !text.is_empty())
        .map(SecretText::new);
    let file = std::env::var_os(file_variable).filter(|path| !path.is_empty());
    match (direct, file) {
        (Some(_), Some(_)) => Err(ConfigError::Both {
            first: variable,
            second: file_variable,
        }),
        (Some(secret), None) => Ok(Some(secret)),
        (None, Some(path)) => read_file(file_variable, Path::new(&path)).map(Some),
        (None, None) => Ok(None),
    }
}

/// The text of a file without the line end that editors add.
pub(in crate::config) fn read_file(variable: &str, path: &Path) -> Result<SecretText, ConfigError> {
    let unreadable = |cause| ConfigError::Unreadable {
        variable: variable.to_owned(),
        path: path.to_owned(),
        cause,
    };
    let text = SecretText::new(std::fs::read_to_string(path).map_err(unreadable)?);
    let trimmed = text.expose_text().trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() {
        return Err(unreadable(std::io::Error::other("it is empty")));
    }
    Ok(SecretText::new(trimmed.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_a_database() {
        assert_eq!(DatabaseUrl::new("sqlite:rota.db").folder(), Path::new("."));
        assert_eq!(
            DatabaseUrl::new("sqlite://data/rota.db?mode=rwc").folder(),
            Path::new("data")
        );
        assert_eq!(DatabaseUrl::new("postgres://a@b/c").folder(), Path::new("."));
    }
}
