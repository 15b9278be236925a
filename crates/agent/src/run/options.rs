//! What `rota run` must be told.

use std::{ffi::OsString, path::PathBuf, str::FromStr, time::Duration};

use rustix::process::Signal;

use crate::Config;

/// What `rota run` must be told.
#[derive(Debug)]
pub struct Options {
    /// Server, token, instance and credentials. Its `ack_mode` is set here: after the start.
    pub config: Config,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    pub hand_over: HandOver,
    pub on_change: OnChange,
    pub masking: Masking,
    /// How long the program may take to stop before it is killed.
    pub stop_grace: Duration,
    /// How long to wait for the first values.
    pub first_version_timeout: Duration,
    /// A program that lives this long after a change has taken it.
    pub settle: Duration,
    /// Variables the program must not inherit: the ones that hold our own secrets.
    pub hidden_variables: Vec<String>,
}

/// How the program gets its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandOver {
    /// As files `$ROTA_CREDENTIALS_DIR/<credential>/<value>`, below a directory in memory.
    Files { directory: PathBuf },
    /// As variables `<PREFIX><VALUE>`; with several credentials `<PREFIX><CREDENTIAL>_<VALUE>`.
    Environment { prefix: String },
}

/// What a new version does to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    Restart,
    Signal(Signal),
}

/// Whether the program's output is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Masking {
    /// The program writes to pipes, and known values come out as `***`.
    On,
    /// The program keeps our output, terminal and all.
    Off,
}

/// Not a reaction we know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("write restart, or signal: and one of HUP, INT, QUIT, TERM, USR1, USR2, WINCH, as in signal:HUP")]
pub struct InvalidOnChange;

impl FromStr for OnChange {
    type Err = InvalidOnChange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "restart" {
            return Ok(Self::Restart);
        }
        let name = text.strip_prefix("signal:").ok_or(InvalidOnChange)?;
        let signal = match name.strip_prefix("SIG").unwrap_or(name) {
            "HUP" => Signal::HUP,
            "INT" => Signal::INT,
            "QUIT" => Signal::QUIT,
            "TERM" => Signal::TERM,
            "USR1" => Signal::USR1,
            "USR2" => Signal::USR2,
            "WINCH" => Signal::WINCH,
            _ => return Err(InvalidOnChange),
        };
        Ok(Self::Signal(signal))
    }
}

impl Options {
    /// The usual settings: files in `/dev/shm`, restart on a change, masked output.
    #[must_use]
    pub fn new(config: Config, command: Vec<OsString>) -> Self {
        Self {
            config,
            command,
            hand_over: HandOver::Files {
                directory: PathBuf::from("/dev/shm"),
            },
            on_change: OnChange::Restart,
            masking: Masking::On,
            stop_grace: Duration::from_secs(10),
            first_version_timeout: Duration::from_secs(30),
            settle: Duration::from_millis(500),
            hidden_variables: [
                "ROTA_TOKEN",
                "ROTA_TOKEN_FILE",
                "ROTA_BOOTSTRAP_TOKEN",
                "ROTA_ROOT_PASSPHRASE",
            ]
            .map(str::to_owned)
            .into(),
        }
    }
}

/// The name of this machine: what an instance is called unless told otherwise.
#[must_use]
pub fn default_instance() -> String {
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    let printable: String = name.chars().filter(char::is_ascii_graphic).take(128).collect();
    if printable.is_empty() {
        "unnamed".to_owned()
    } else {
        printable
    }
}
