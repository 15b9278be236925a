//! A Redis, keys and envelopes.

use std::time::Duration;

use cache::EnvelopeCache;
use cache::redis::aio::MultiplexedConnection;
use cache::redis::{AsyncConnectionConfig, Client, FromRedisValue, cmd};
use keyring::{Context, KeyId, KeyMaterial, KeyState, KeyVersion, Keyring, Randomness, VersionedKey};
use testing::Redis;

pub(crate) const PREFIX: &str = "app:";

/// The machine's.
pub(crate) struct Machine;

impl Randomness for Machine {
    #[expect(clippy::disallowed_methods, reason = "a test")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).unwrap();
    }
}

/// A server of its own, and a connection to look at it behind the cache's back.
pub(crate) struct House {
    _redis: Redis,
    client: Client,
    pub(crate) connection: MultiplexedConnection,
}

/// Half a second, the client's usual patience, is soon over on a busy machine with a million entries on their way.
async fn connect(client: &Client) -> MultiplexedConnection {
    let patient = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
    let connecting = client.get_multiplexed_async_connection_with_config(&patient);
    connecting.await.unwrap()
}

impl House {
    pub(crate) async fn build() -> Self {
        let redis = Redis::start();
        let client = Client::open(redis.url()).unwrap();
        let connection = connect(&client).await;
        Self {
            _redis: redis,
            client,
            connection,
        }
    }

    /// Another process's view of the same cache: a connection and counts of its own.
    pub(crate) async fn cache(&self) -> EnvelopeCache<MultiplexedConnection> {
        let connection = connect(&self.client).await;
        EnvelopeCache::new(connection, PREFIX).unwrap()
    }

    pub(crate) async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = cmd(words[0]);
        words[1..].iter().for_each(|word| {
            command.arg(*word);
        });
        command.query_async(&mut self.connection.clone()).await.unwrap()
    }

    /// How many names an index has.
    pub(crate) async fn indexed(&self, key: &KeyId, version: u32) -> u64 {
        self.ask(&["ZCARD", &format!("{PREFIX}v:{key}:{version}")]).await
    }
}

pub(crate) fn key(name: &str) -> KeyId {
    KeyId::parse(name).unwrap()
}

pub(crate) fn version(number: u32) -> KeyVersion {
    KeyVersion::new(number).unwrap()
}

/// A value sealed under this version of this key.
pub(crate) fn sealed(name: &str, number: u32) -> Vec<u8> {
    let material = KeyMaterial::generate(&Machine);
    let only = VersionedKey::new(version(number), KeyState::Active, material);
    let keyring = Keyring::new(key(name), [only]).unwrap();
    let sealed = keyring.seal(&Machine, &Context::of_caller(b"row 1"), b"a plaintext");
    sealed.unwrap().into_bytes()
}
