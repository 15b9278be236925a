//! Entries come, are read, end and go.

use std::time::Duration;

use cache::{CacheError, Counts, LONGEST_LIFETIME};

use crate::house::{House, PREFIX, key, sealed, version};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn an_envelope_comes_back_with_its_key_and_version_and_a_plaintext_is_refused() {
    let house = House::build().await;
    let cache = house.cache().await;
    let envelope = sealed("orders", 3);
    cache.put("one", &envelope, HOUR).await.unwrap();
    let cached = cache.get("one").await.unwrap().unwrap();
    assert_eq!((cached.key, cached.version), (key("orders"), version(3)));
    assert_eq!(cached.envelope, envelope);
    assert_eq!(cache.get("two").await.unwrap(), None);
    let lifetime: u64 = house.ask(&["PTTL", &format!("{PREFIX}e:one")]).await;
    assert!((3_500_000..=3_600_000).contains(&lifetime), "{lifetime}");

    let refused = cache.put("plain", b"hunter2", HOUR).await.unwrap_err();
    assert!(matches!(refused, CacheError::NoEnvelope(_)), "{refused}");
    assert!(!refused.to_string().contains("hunter2"));
    let mut cut = envelope.clone();
    cut.pop();
    assert!(cache.put("cut", &cut, HOUR).await.is_err());
    for wrong in [Duration::ZERO, LONGEST_LIFETIME + Duration::from_millis(1)] {
        let refused = cache.put("one", &envelope, wrong).await.unwrap_err();
        assert!(matches!(refused, CacheError::Lifetime(_)), "{refused}");
    }
    assert!(matches!(
        cache.put("", &envelope, HOUR).await.unwrap_err(),
        CacheError::Name(0)
    ));
    let keys: Vec<String> = house.ask(&["KEYS", "*plain*"]).await;
    assert!(keys.is_empty(), "{keys:?}");
    cache.remove("one").await.unwrap();
    assert_eq!(cache.get("one").await.unwrap(), None);
    assert_eq!(house.indexed(&key("orders"), 3).await, 0);
    let expected = Counts {
        hits: 1,
        misses: 2,
        ..Counts::default()
    };
    assert_eq!(cache.counts(), expected);
    assert!(
        cache
            .counts()
            .exposition()
            .contains("\nrota_cache_misses_total 2\n")
    );
}

#[tokio::test]
async fn a_revoked_version_is_a_miss_for_every_process_before_anything_is_removed() {
    let house = House::build().await;
    let (here, there) = (house.cache().await, house.cache().await);
    there.put("old", &sealed("orders", 1), HOUR).await.unwrap();
    there.put("new", &sealed("orders", 2), HOUR).await.unwrap();
    // As it stands between the two steps of a revocation, or where one was cut short.
    let _: u64 = house.ask(&["SADD", &format!("{PREFIX}r"), "orders:1"]).await;
    assert_eq!(there.get("old").await.unwrap(), None);
    assert!(there.get("new").await.unwrap().is_some());
    assert_eq!((there.counts().hits, there.counts().misses), (1, 1));
    let refused = there.put("old", &sealed("orders", 1), HOUR).await.unwrap_err();
    assert!(
        matches!(refused, CacheError::Revoked { version: 1, .. }),
        "{refused}"
    );

    // A server that forgot the set: whoever revoked still knows.
    assert_eq!(here.revoke(&key("orders"), version(2)).await.unwrap(), 1);
    assert_eq!(here.counts().invalidations, 1);
    let _: u64 = house.ask(&["DEL", &format!("{PREFIX}r")]).await;
    assert!(here.put("new", &sealed("orders", 2), HOUR).await.is_err());
    there.put("new", &sealed("orders", 2), HOUR).await.unwrap();
    assert_eq!(here.get("new").await.unwrap(), None);

    here.take_back(&key("orders"), version(2)).await.unwrap();
    assert!(here.get("new").await.unwrap().is_some());
}

#[tokio::test]
async fn what_does_not_parse_is_deleted_and_counts_as_a_miss() {
    let house = House::build().await;
    let cache = house.cache().await;
    let envelope = sealed("orders", 1);
    let entry = |name: &str| format!("{PREFIX}e:{name}");
    let mut lying = b"orders:2\n".to_vec();
    lying.extend_from_slice(&envelope);
    let mut torn = b"orders:1\n".to_vec();
    torn.extend_from_slice(&envelope[..envelope.len() / 2]);
    for (name, stored) in [
        ("text", b"hunter2".to_vec()),
        ("lines", b"hunter2\nhunter2".to_vec()),
        ("empty", Vec::new()),
        ("lying", lying),
        ("torn", torn),
    ] {
        let put = cache::redis::cmd("SET").arg(entry(name)).arg(stored).to_owned();
        let _: () = put.query_async(&mut house.connection.clone()).await.unwrap();
    }
    let _: u64 = house.ask(&["RPUSH", &entry("list"), "hunter2"]).await;
    let names = ["text", "lines", "empty", "lying", "torn", "list"];
    for name in names {
        assert_eq!(cache.get(name).await.unwrap(), None, "{name}");
        let is_left: u64 = house.ask(&["EXISTS", &entry(name)]).await;
        assert_eq!(is_left, 0, "{name}");
    }
    let count = names.len() as u64;
    let expected = Counts {
        misses: count,
        unreadable: count,
        ..Counts::default()
    };
    assert_eq!(cache.counts(), expected);
    // And a good one may take the place.
    cache.put("list", &envelope, HOUR).await.unwrap();
    assert!(cache.get("list").await.unwrap().is_some());
}

#[tokio::test]
async fn the_index_does_not_outgrow_its_entries() {
    let house = House::build().await;
    let cache = house.cache().await;
    let envelope = sealed("orders", 1);
    let names: Vec<String> = (0..500).map(|number| format!("short-{number}")).collect();
    let entries: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (name.as_str(), envelope.as_slice()))
        .collect();
    cache.put("kept", &envelope, HOUR).await.unwrap();
    cache.put_many(&entries, Duration::from_millis(1)).await.unwrap();
    // Redis itself says when they are over: by its clock each is gone.
    for name in &names {
        while cache.get(name).await.unwrap().is_some() {}
    }
    // Whoever comes in shows more of them out.
    for number in 0..40 {
        cache
            .put(&format!("long-{number}"), &envelope, HOUR)
            .await
            .unwrap();
    }
    assert_eq!(house.indexed(&key("orders"), 1).await, 41);
    // With the last entry the index goes too.
    let lifetime: u64 = house.ask(&["PTTL", &format!("{PREFIX}v:orders:1")]).await;
    assert!((3_500_000..=3_600_000).contains(&lifetime), "{lifetime}");
    // Another version takes an entry over: it stands in one index only.
    cache.put("kept", &sealed("orders", 2), HOUR).await.unwrap();
    assert_eq!(house.indexed(&key("orders"), 1).await, 40);
    assert_eq!(house.indexed(&key("orders"), 2).await, 1);
}

#[tokio::test]
async fn an_entry_that_ended_and_came_again_under_another_version_is_not_removed_with_the_first() {
    let house = House::build().await;
    let cache = house.cache().await;
    cache
        .put("one", &sealed("orders", 1), Duration::from_millis(1))
        .await
        .unwrap();
    // By Redis's own clock.
    while cache.get("one").await.unwrap().is_some() {}
    cache.put("one", &sealed("orders", 2), HOUR).await.unwrap();
    // Nobody wrote under version 1 since, so its index, if it is not over yet, still has the name.
    let _: u64 = house
        .ask(&["ZADD", &format!("{PREFIX}v:orders:1"), "1", "one"])
        .await;
    assert_eq!(cache.revoke(&key("orders"), version(1)).await.unwrap(), 0);
    assert!(cache.get("one").await.unwrap().is_some());
    assert_eq!(house.indexed(&key("orders"), 1).await, 0);
}

#[tokio::test]
async fn an_entry_that_is_written_anew_meanwhile_is_not_removed() {
    let house = House::build().await;
    let (old, new) = (sealed("orders", 1), sealed("orders", 2));
    let cache = house.cache().await;
    let names: Vec<String> = (0..20_000).map(|number| format!("{number}")).collect();
    for chunk in names.chunks(1_000) {
        let entries: Vec<(&str, &[u8])> = chunk.iter().map(|name| (name.as_str(), old.as_slice())).collect();
        cache.put_many(&entries, HOUR).await.unwrap();
    }
    // Every second one is written anew by two others, from both ends, while the version is revoked.
    let writers: Vec<_> = [false, true]
        .into_iter()
        .map(|backwards| {
            let mut mine: Vec<String> = names.iter().step_by(2).cloned().collect();
            if backwards {
                mine.reverse();
            }
            let new = new.clone();
            let house = house.cache();
            async move {
                let writer = house.await;
                for chunk in mine.chunks(50) {
                    let entries: Vec<(&str, &[u8])> =
                        chunk.iter().map(|name| (name.as_str(), new.as_slice())).collect();
                    writer.put_many(&entries, HOUR).await.unwrap();
                }
            }
        })
        .collect();
    let [first, second] = <[_; 2]>::try_from(writers).ok().unwrap();
    let orders = key("orders");
    let (removed, (), ()) = tokio::join!(cache.revoke(&orders, version(1)), first, second);
    let removed = removed.unwrap();
    assert!((10_000..=20_000).contains(&removed), "{removed}");
    for (number, name) in names.iter().enumerate() {
        let cached = cache.get(name).await.unwrap();
        assert_eq!(
            cached.map(|cached| cached.version),
            (number % 2 == 0).then(|| version(2)),
            "{name}"
        );
    }
    assert_eq!(house.indexed(&orders, 1).await, 0);
    assert_eq!(house.indexed(&orders, 2).await, 10_000);
}
