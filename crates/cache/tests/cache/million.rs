//! One million entries: a revocation costs what its own version has, and looks at nothing else.

use std::time::Duration;

use crate::house::{House, PREFIX, key, sealed, version};

const DAY: Duration = Duration::from_secs(86_400);
const AT_ONCE: usize = 2_000;
/// Which key, which version, how many entries.
const PARTS: [(&str, u32, usize); 4] = [
    ("orders", 1, 200_000),
    ("orders", 2, 600_000),
    ("orders", 11, 100_000),
    ("payments", 1, 100_000),
];

fn name(key: &str, version: u32, number: usize) -> String {
    format!("{key}/{version}/{number}")
}

/// How many of the entries of a part are there.
async fn left(house: &House, (key, version, count): (&str, u32, usize)) -> u64 {
    let mut left = 0;
    for start in (0..count).step_by(AT_ONCE) {
        let mut exists = cache::redis::cmd("EXISTS");
        for number in start..count.min(start + AT_ONCE) {
            exists.arg(format!("{PREFIX}e:{}", name(key, version, number)));
        }
        let found: u64 = exists.query_async(&mut house.connection.clone()).await.unwrap();
        left += found;
    }
    left
}

#[tokio::test]
async fn a_revocation_among_a_million_entries_removes_exactly_its_own_and_never_scans() {
    let house = House::build().await;
    let cache = house.cache().await;
    for (of, number, count) in PARTS {
        let envelope = sealed(of, number);
        for start in (0..count).step_by(AT_ONCE) {
            let names: Vec<String> = (start..count.min(start + AT_ONCE))
                .map(|entry| name(of, number, entry))
                .collect();
            let entries: Vec<(&str, &[u8])> = names
                .iter()
                .map(|name| (name.as_str(), envelope.as_slice()))
                .collect();
            cache.put_many(&entries, DAY).await.unwrap();
        }
    }
    let keys: u64 = house.ask(&["DBSIZE"]).await;
    assert_eq!(keys, 1_000_000 + 4, "entries, and an index of each version");
    let _: () = house.ask(&["CONFIG", "RESETSTAT"]).await;

    let removed = cache.revoke(&key("orders"), version(1)).await.unwrap();

    let statistics: String = house.ask(&["INFO", "commandstats"]).await;
    assert_eq!(removed, 200_000);
    assert_eq!(cache.counts().invalidations, 200_000);
    for whole in ["scan", "keys", "sscan", "zscan", "randomkey"] {
        let line = format!("cmdstat_{whole}:");
        assert!(!statistics.contains(&line), "{statistics}");
    }
    // One batch for each thousand, and one that finds nothing; each entry is looked at once.
    let calls = |command: &str| {
        let line = format!("cmdstat_{command}:calls=");
        let rest = statistics
            .lines()
            .find_map(|text| text.strip_prefix(line.as_str()));
        let count = rest.and_then(|rest| rest.split(',').next());
        count.map_or(0, |count| count.parse::<u64>().unwrap())
    };
    assert_eq!(calls("zrange"), 201, "{statistics}");
    assert_eq!(
        (calls("getrange"), calls("unlink")),
        (200_000, 200_000),
        "{statistics}"
    );

    for (part, expected) in PARTS.into_iter().zip([0, 600_000, 100_000, 100_000]) {
        assert_eq!(left(&house, part).await, expected, "{part:?}");
        assert_eq!(house.indexed(&key(part.0), part.1).await, expected, "{part:?}");
    }
    let keys: u64 = house.ask(&["DBSIZE"]).await;
    assert_eq!(
        keys,
        800_000 + 3 + 1,
        "entries, three indexes, the set of what is revoked"
    );
    assert_eq!(cache.get(&name("orders", 1, 7)).await.unwrap(), None);
    let other = cache.get(&name("orders", 11, 7)).await.unwrap().unwrap();
    assert_eq!(other.version, version(11), "1 is not the beginning of 11");
}
