//! Where the file of a SQLite URL is.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::sqlite::SqliteConnectOptions;

/// The absolute path of the file. None for what is no file: a database in memory has nothing to lock or to share.
pub(crate) fn of_url(url: &str) -> Option<PathBuf> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return None;
    }
    let options = SqliteConnectOptions::from_str(url).ok()?;
    let path = options.get_filename();
    if path.as_os_str().is_empty() {
        return None;
    }
    std::path::absolute(path).ok()
}

/// The URL that opens exactly this file, and makes it when it is missing.
pub(crate) fn to_url(path: &Path) -> Option<String> {
    let mut url = "sqlite://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                url.push(char::from(*byte));
            }
            other => write!(url, "%{other:02X}").ok()?,
        }
    }
    url.push_str("?mode=rwc");
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_one_absolute_file() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(of_url("sqlite:rota.db"), Some(here.join("rota.db")));
        assert_eq!(
            of_url("sqlite://data/rota.db?mode=rwc"),
            Some(here.join("data/rota.db"))
        );
        assert_eq!(of_url("sqlite:///srv/rota.db"), Some("/srv/rota.db".into()));
        assert_eq!(of_url("sqlite::memory:"), None);
        assert_eq!(of_url("sqlite:"), None);
    }

    #[test]
    fn strange_names_survive() {
        let path = Path::new("/tmp/ä b?c#d%e.db");
        assert_eq!(of_url(&to_url(path).unwrap()), Some(path.to_owned()));
    }
}
