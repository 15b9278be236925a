//! What replicas tell each other of instances: PostgreSQL's notifications on a channel of their own, never stored.

use engine::delivery::Hearsay;
use engine::ports::StoreError;
use serde::{Deserialize, Serialize};
use sqlx::AnyPool;

use crate::failure::reading;

/// The channel of PostgreSQL's notifications.
pub(crate) const CHANNEL: &str = "rota_hearsay";

/// A notification holds less than 8,000 bytes.
const LONGEST_PAYLOAD: usize = 7_900;

#[derive(Debug, Serialize, Deserialize)]
struct Told {
    /// The replica that heard it.
    from: String,
    told: Vec<Hearsay>,
}

/// Tells every other replica.
pub(crate) async fn tell(pool: &AnyPool, replica: &str, told: &[Hearsay]) -> Result<(), StoreError> {
    for payload in payloads(replica, told)? {
        sqlx::query(r"select pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(payload)
            .execute(pool)
            .await
            .map_err(reading("instance"))?;
    }
    Ok(())
}

/// As many as fit into each.
fn payloads(replica: &str, told: &[Hearsay]) -> Result<Vec<String>, StoreError> {
    let envelope = replica.len() + 40;
    let (mut payloads, mut part, mut length) = (Vec::new(), Vec::new(), envelope);
    for hearsay in told {
        let own_length = to_text(hearsay)?.len() + 1;
        if length + own_length > LONGEST_PAYLOAD && !part.is_empty() {
            payloads.push(payload(replica, std::mem::take(&mut part))?);
            length = envelope;
        }
        length += own_length;
        part.push(hearsay.clone());
    }
    if !part.is_empty() {
        payloads.push(payload(replica, part)?);
    }
    Ok(payloads)
}

fn payload(replica: &str, told: Vec<Hearsay>) -> Result<String, StoreError> {
    let from = replica.to_owned();
    to_text(&Told { from, told })
}

fn to_text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// What another replica told; None for our own words and for what is not understood.
pub(crate) fn parse(payload: &str, replica: &str) -> Option<Vec<Hearsay>> {
    let told: Told = serde_json::from_str(payload).ok()?;
    (told.from != replica).then_some(told.told)
}

#[cfg(test)]
mod tests {
    use engine::Name;
    use engine::catalog::VersionNumber;
    use engine::id::CredentialId;

    use super::*;

    #[test]
    fn a_large_fleet_is_told_in_parts_that_each_fit() {
        let hearsay = |number: usize| Hearsay {
            credential: CredentialId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap(),
            consumer: Name::parse("orders").unwrap(),
            instance: format!("{number}-{}", "i".repeat(120)),
            acknowledged: Some(VersionNumber(7)),
            outcomes: Vec::new(),
        };
        let told: Vec<Hearsay> = (0..500).map(hearsay).collect();
        let payloads = payloads("a", &told).unwrap();
        assert!(payloads.len() > 1);
        assert!(payloads.iter().all(|payload| payload.len() < 8_000));
        let heard: Vec<Hearsay> = payloads
            .iter()
            .flat_map(|payload| parse(payload, "b").unwrap())
            .collect();
        assert_eq!(heard, told);
        assert_eq!(parse(&payloads[0], "a"), None, "our own words");
        assert_eq!(parse("{}", "b"), None);
    }
}
