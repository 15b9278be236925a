//! The status of the reply, set by a page whose subject is missing or away.

use std::fmt;
use std::sync::Arc;

/// Sets the HTTP status; the server provides it by context.
#[derive(Clone)]
pub struct ReplyStatus(Arc<dyn Fn(u16) + Send + Sync>);

impl ReplyStatus {
    pub fn new(set: impl Fn(u16) + Send + Sync + 'static) -> Self {
        Self(Arc::new(set))
    }

    /// Sets the status, when a server is there to send it.
    pub fn set(status: u16) {
        if let Some(Self(set)) = leptos::context::use_context::<Self>() {
            set(status);
        }
    }
}

impl fmt::Debug for ReplyStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ReplyStatus")
    }
}
