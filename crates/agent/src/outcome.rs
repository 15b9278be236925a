//! What came of using a version.

use std::time::Duration;

use api::SignalClass;

/// What came of using a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub status: u16,
    pub class: Option<SignalClass>,
    pub duration: Option<Duration>,
}

impl Outcome {
    /// An HTTP status, which speaks for itself.
    #[must_use]
    pub const fn http(status: u16) -> Self {
        Self {
            status,
            class: None,
            duration: None,
        }
    }

    /// The credential was accepted.
    #[must_use]
    pub const fn accepted() -> Self {
        Self {
            status: 200,
            class: Some(SignalClass::Ok),
            duration: None,
        }
    }

    /// The credential was refused, by something that is not HTTP.
    #[must_use]
    pub const fn refused() -> Self {
        Self {
            status: 401,
            class: Some(SignalClass::Auth),
            duration: None,
        }
    }

    /// Something else failed: the network, the other side. Says nothing about the credential.
    #[must_use]
    pub const fn failed() -> Self {
        Self {
            status: 500,
            class: Some(SignalClass::Error),
            duration: None,
        }
    }

    /// Adds how long it took.
    #[must_use]
    pub const fn taking(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// The credential was refused: 401, 403 or said so.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        match self.class {
            Some(SignalClass::Auth) => true,
            Some(SignalClass::Error | SignalClass::Ok) => false,
            None => matches!(self.status, 401 | 403),
        }
    }
}
