//! A program that uses keys until its server dies.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use api::key::{Decrypted, Encrypted, Key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::book::{Book, Value};
use crate::dice::Dice;
use crate::load::{Connection, post};
use crate::server::BOOTSTRAP_TOKEN;

/// Of a hundred acts, so many are these; the others encrypt.
const CREATES: u64 = 3;
const ROTATES: u64 = 5;
const REWRAPS: u64 = 12;
const DECRYPTS: u64 = 20;
/// A key with more versions costs more to open, and says nothing more.
const MOST_KEYS: usize = 200;

/// One of the clients.
#[derive(Debug)]
pub(super) struct Worker {
    number: usize,
    book: Arc<Book>,
    dice: Dice,
    made: usize,
    life: usize,
}

/// The connection ended: what was asked last may or may not have happened.
struct Died;

impl Worker {
    pub(super) fn new(number: usize, life: usize, book: Arc<Book>) -> Self {
        Self {
            number,
            book,
            dice: Dice::new((life * 1_000 + number) as u64),
            made: 0,
            life,
        }
    }

    /// Works until the server is gone. What the server answers and must not answer is an error.
    pub(super) async fn work(mut self, address: String) -> Result<()> {
        let Ok(mut connection) = Connection::open(&address).await else {
            return Ok(());
        };
        while let Ok(answer) = self.act(&mut connection).await {
            answer?;
        }
        Ok(())
    }

    async fn act(&mut self, connection: &mut Connection) -> Result<Result<()>, Died> {
        let chance = self.dice.below(100);
        let key = self.book.key(&mut self.dice);
        match (key, self.book.value(&mut self.dice)) {
            (None, _) => self.create(connection).await,
            (Some(_), _) if chance < CREATES && self.book.keys().len() < MOST_KEYS => {
                self.create(connection).await
            }
            (Some(key), _) if chance < CREATES + ROTATES => self.rotate(connection, &key).await,
            (Some(_), Some(value)) if chance < CREATES + ROTATES + REWRAPS => {
                self.rewrap(connection, value).await
            }
            (Some(_), Some(value)) if chance < CREATES + ROTATES + REWRAPS + DECRYPTS => {
                self.decrypt(connection, &value).await
            }
            (Some(key), _) => self.encrypt(connection, key).await,
        }
    }

    async fn create(&mut self, connection: &mut Connection) -> Result<Result<()>, Died> {
        self.made += 1;
        let name = format!("key-{}-{}-{}", self.life, self.number, self.made);
        let body = json!({"name": name, "algorithm": "aes256-gcm"});
        let asked = ask(connection, "/api/v1/keys", &body.to_string()).await?;
        Ok(read::<Key>(asked).map(|_| self.book.made(&name)))
    }

    async fn rotate(&mut self, connection: &mut Connection, key: &str) -> Result<Result<()>, Died> {
        let body = json!({"reason": "under kills", "confirm": true});
        let asked = ask(
            connection,
            &format!("/api/v1/keys/{key}/rotate"),
            &body.to_string(),
        )
        .await?;
        Ok(read::<Key>(asked).and_then(|rotated| {
            let active = rotated
                .active_version
                .context("a rotated key has an active version")?;
            self.book.rotated(key, active);
            Ok(())
        }))
    }

    async fn encrypt(&mut self, connection: &mut Connection, key: String) -> Result<Result<()>, Died> {
        let plaintext = STANDARD.encode(self.dice.below(u64::MAX).to_be_bytes());
        let body = json!({"plaintext": plaintext});
        let asked = ask(
            connection,
            &format!("/api/v1/keys/{key}/encrypt"),
            &body.to_string(),
        )
        .await?;
        Ok(read::<Encrypted>(asked).map(|done| {
            self.book.sealed(Value {
                key,
                plaintext,
                ciphertext: done.ciphertext,
            });
        }))
    }

    async fn rewrap(&mut self, connection: &mut Connection, value: Value) -> Result<Result<()>, Died> {
        let body = json!({"ciphertext": value.ciphertext});
        let path = format!("/api/v1/keys/{}/rewrap", value.key);
        let asked = ask(connection, &path, &body.to_string()).await?;
        Ok(read::<Encrypted>(asked).map(|done| {
            let ciphertext = done.ciphertext;
            self.book.sealed(Value { ciphertext, ..value });
        }))
    }

    async fn decrypt(&mut self, connection: &mut Connection, value: &Value) -> Result<Result<()>, Died> {
        let body = json!({"ciphertext": value.ciphertext});
        let path = format!("/api/v1/keys/{}/decrypt", value.key);
        let asked = ask(connection, &path, &body.to_string()).await?;
        Ok(read::<Decrypted>(asked).and_then(|done| {
            ensure!(
                done.plaintext.expose_secret() == value.plaintext,
                "a value of {} opened as another one",
                value.key
            );
            Ok(())
        }))
    }
}

async fn ask(connection: &mut Connection, path: &str, body: &str) -> Result<(u16, Vec<u8>), Died> {
    let request = post(path, BOOTSTRAP_TOKEN, body);
    let status = connection.ask(&request).await.map_err(|_| Died)?;
    Ok((status, connection.body().to_vec()))
}

fn read<T: DeserializeOwned>((status, body): (u16, Vec<u8>)) -> Result<T> {
    if status >= 300 {
        bail!("the server answers {status}: {}", String::from_utf8_lossy(&body));
    }
    serde_json::from_slice(&body).context("a reply of the API")
}
