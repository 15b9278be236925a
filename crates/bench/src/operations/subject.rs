//! A server with a key, and requests for it that succeed.

use std::fmt;

use anyhow::{Context, Result};
use api::key::{Batch, BatchItem, CreateKey, Encrypt};
use api::{Client, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::dice::Dice;
use crate::load::Requests;
use crate::server::Server;

pub(super) const KEY: &str = "bench";
/// Different bodies of one kind, so that no request is the one before.
const BODIES: usize = 32;
/// A longer body is refused.
const BODY_LIMIT: usize = 1024 * 1024;

/// What is asked of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Healthz,
    Encrypt,
    Decrypt,
    Rewrap,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) operation: Operation,
    /// Of one plaintext.
    pub(super) bytes: usize,
    /// 1: no batch.
    pub(super) items: usize,
}

impl Shape {
    pub(super) const HEALTHZ: Self = Self {
        operation: Operation::Healthz,
        bytes: 0,
        items: 1,
    };

    /// One value.
    pub(super) fn single(operation: Operation, bytes: usize) -> Self {
        Self {
            operation,
            bytes,
            items: 1,
        }
    }

    /// A hundred values, or as many as a body may hold.
    pub(super) fn batch(operation: Operation, bytes: usize) -> Self {
        // An envelope is larger than its plaintext by less than 256 bytes; then base64, and what JSON puts around it.
        let of_one = (bytes + 256) * 4 / 3 + 32;
        Self {
            operation,
            bytes,
            items: (BODY_LIMIT / of_one).min(100),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = match self.operation {
            Operation::Healthz => return formatter.write_str("/healthz"),
            Operation::Encrypt => "encrypt",
            Operation::Decrypt => "decrypt",
            Operation::Rewrap => "rewrap",
        };
        let size = if self.bytes < 1_024 {
            format!("{} B", self.bytes)
        } else {
            format!("{} KiB", self.bytes / 1_024)
        };
        write!(formatter, "{operation} {size}")?;
        if self.items > 1 {
            write!(formatter, " x {}", self.items)?;
        }
        Ok(())
    }
}

/// A server with its key and a program that may use it.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) server: Server,
    program: Client,
    pub(super) token: String,
}

impl Subject {
    /// Starts a server whose audit is `written` or `fsynced` before it answers.
    pub(super) async fn start(durability: &str) -> Result<Self> {
        let server = Server::start_with(&[("ROTA_AUDIT_DURABILITY", durability)]).await?;
        let admin = server.admin()?;
        let key: CreateKey = serde_json::from_value(json!({"name": KEY, "algorithm": "aes256-gcm"}))?;
        admin.create_key(&key).await?;
        let token = serde_json::from_value(json!({"name": "bench", "role": "operator"}))?;
        let token = admin.create_token(&token).await?.token;
        Ok(Self {
            program: Client::new(&server.url, &token)?,
            token: token.expose_secret().to_owned(),
            server,
        })
    }

    /// Requests of this shape.
    pub(super) async fn requests(&self, shape: Shape) -> Result<Requests> {
        let field = match shape.operation {
            Operation::Healthz => return Ok(Requests::get("/healthz")),
            Operation::Encrypt => "plaintext",
            Operation::Decrypt | Operation::Rewrap => "ciphertext",
        };
        let mut dice = Dice::new(shape.bytes as u64);
        let mut bodies = Vec::with_capacity(BODIES);
        for _ in 0..BODIES {
            let plain: Vec<String> = (0..shape.items)
                .map(|_| STANDARD.encode(random(&mut dice, shape.bytes)))
                .collect();
            let values = if shape.operation == Operation::Encrypt {
                plain
            } else {
                self.encrypted(plain).await?
            };
            bodies.push(body(field, values));
        }
        let operation = match shape.operation {
            Operation::Decrypt => "decrypt",
            Operation::Rewrap => "rewrap",
            Operation::Encrypt | Operation::Healthz => "encrypt",
        };
        let path = format!("/api/v1/keys/{KEY}/{operation}");
        Ok(Requests::post(&path, &self.token, &bodies))
    }

    async fn encrypted(&self, plain: Vec<String>) -> Result<Vec<String>> {
        let batch = plain.into_iter().map(|plaintext| Encrypt {
            plaintext: Secret::new(plaintext),
            context: None,
        });
        let batch = Batch {
            batch: batch.collect(),
        };
        let reply = self.program.encrypt_batch(KEY, &batch).await?;
        let items = reply.items.into_iter().map(|item| match item {
            BatchItem::Done(done) => Ok(done.ciphertext),
            BatchItem::Failed { error } => Err(anyhow::anyhow!(error.detail)),
        });
        items.collect::<Result<_>>().context("every value is encrypted")
    }
}

fn body(field: &str, mut values: Vec<String>) -> String {
    if values.len() == 1 {
        return json!({field: values.swap_remove(0)}).to_string();
    }
    let items: Vec<_> = values.iter().map(|value| json!({field: value})).collect();
    json!({"batch": items}).to_string()
}

fn random(dice: &mut Dice, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|_| dice.below(256) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_body_is_too_long() {
        for operation in [Operation::Encrypt, Operation::Decrypt] {
            assert_eq!(Shape::batch(operation, 64).items, 100);
            let shape = Shape::batch(operation, 16 * 1_024);
            let longest = STANDARD.encode(vec![0_u8; shape.bytes + 255]);
            let text = body("ciphertext", vec![longest; shape.items]);
            assert!(shape.items > 30 && text.len() <= BODY_LIMIT, "{}", text.len());
        }
        assert_eq!(
            body("plaintext", vec!["QQ==".to_owned()]),
            r#"{"plaintext":"QQ=="}"#
        );
    }
}
