//! Shares given to a command: from files, from standard input, or typed at the terminal where nobody sees them; never
//! as arguments, which other people of the machine can read.

use std::fs::File;
use std::io::{IsTerminal, Read, stdin};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use engine::ports::RootError;
use engine::seal::shares::{Share, ShareSet};
use keyring::SecretText;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::CommandError;
use crate::root_key::{AskForShare, ConfiguredRoots, GivenRoots};

const LONGEST: usize = 4_096;

/// Shares of the root that opens what is to be opened.
#[derive(Args, Debug)]
pub(super) struct ShareOptions {
    /// Read shares, one a line, from this file, or from standard input with `-`; may be given several times. Where
    /// shares are needed and none is given, they are asked for at the terminal
    #[arg(long = "share", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl ShareOptions {
    /// The configured roots, and the root whose shares were given.
    pub(super) fn with(&self, configured: ConfiguredRoots) -> Result<Arc<GivenRoots>, CommandError> {
        let mut shares = Vec::new();
        for file in &self.files {
            shares.extend(read(file)?);
        }
        Ok(Arc::new(GivenRoots::new(configured, shares, Arc::new(Terminal))))
    }
}

fn read(path: &Path) -> Result<Vec<Share>, CommandError> {
    let failed = |error: &dyn std::fmt::Display| CommandError::Failed(format!("{}: {error}", path.display()));
    // Room for all of it from the start, so that growing leaves no copies behind.
    let mut text = String::with_capacity(LONGEST);
    let length = LONGEST as u64;
    let read = if path.as_os_str() == "-" {
        stdin().take(length).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(length).read_to_string(&mut text))
    };
    let text = SecretText::new(text);
    read.map_err(|error| failed(&error))?;
    let lines = text.expose_text().lines().filter(|line| !line.trim().is_empty());
    let shares: Result<Vec<Share>, _> = lines
        .map(|line| Share::parse(&SecretText::new(line.to_owned())))
        .collect();
    match shares {
        Ok(shares) if shares.is_empty() => Err(failed(&"it holds no share")),
        shares => shares.map_err(|wrong| failed(&wrong)),
    }
}

/// Whoever sits at the terminal.
struct Terminal;

impl AskForShare for Terminal {
    fn ask(&self, set: &ShareSet, so_far: usize) -> Option<Result<Share, RootError>> {
        let input = stdin();
        if !input.is_terminal() {
            return None;
        }
        let refused = |error: &dyn std::fmt::Display| RootError::Refused(error.to_string());
        let before = match tcgetattr(&input) {
            Ok(before) => before,
            Err(error) => return Some(Err(refused(&error))),
        };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        if let Err(error) = tcsetattr(&input, OptionalActions::Flush, &silent) {
            return Some(Err(refused(&error)));
        }
        // Only now: what is typed from here on is neither shown nor thrown away.
        eprint!(
            "Share {} of {} needed, of set {} (not shown): ",
            so_far + 1,
            set.threshold,
            set.id
        );
        let mut line = String::with_capacity(LONGEST);
        let read = input.read_line(&mut line);
        let line = SecretText::new(line);
        let _echoes_again = tcsetattr(&input, OptionalActions::Flush, &before);
        eprintln!();
        Some(match read {
            Ok(0) => Err(refused(&"no share was typed")),
            Ok(_) => Share::parse(&line).map_err(|wrong| refused(&wrong)),
            Err(error) => Err(refused(&error)),
        })
    }
}
