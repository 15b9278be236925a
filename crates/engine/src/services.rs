//! The one handle that the server and the pages receive.

use std::fmt;
use std::sync::Arc;

use crate::access::{BootstrapToken, Throttle};
use crate::clock::{Clock, Randomness};
use crate::delivery::Live;
use crate::detection::Detector;
use crate::ports::{Announcer, Connectors, Meter, Store};
use crate::reencryption;
use crate::seal::Sealer;
use crate::view::Memory;

/// Everything a service needs of the world.
#[derive(Clone)]
pub struct Services {
    pub store: Arc<dyn Store>,
    pub connectors: Connectors,
    /// Seals and opens what is kept.
    pub sealer: Arc<Sealer>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
    pub announcer: Arc<dyn Announcer>,
    pub meter: Arc<dyn Meter>,
    /// Who is there and what they hold, in memory.
    pub live: Arc<Live>,
    /// The running tests on versions in rotation, in memory.
    pub detector: Arc<Detector>,
    /// What is known of moving data, in memory: who waits, what failed, what is queued.
    pub reencryption: Arc<reencryption::Live>,
    /// Tokens and open keys, in memory, and how long they may be believed.
    pub memory: Arc<Memory>,
    /// Failed sign-ins, in memory.
    pub throttle: Arc<Throttle>,
    /// `ROTA_BOOTSTRAP_TOKEN` while it is set, as a hash.
    pub bootstrap: Option<Arc<BootstrapToken>>,
}

impl fmt::Debug for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Services")
            .field("connectors", &self.connectors)
            .finish_non_exhaustive()
    }
}
