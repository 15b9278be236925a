//! R1: the server is killed again and again while clients make, rotate and use keys. What it acknowledged must be there
//! after every start, and the audit must verify.

mod book;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api::key::{Batch, BatchItem, Decrypt, KeyVersionState};
use api::{Client, PageQuery};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::dice::Dice;
use crate::figures::Figures;
use crate::scale;
use crate::server::Server;
use book::{Book, Value};
use worker::Worker;

const SECTION: &str = "key-kills";
const KILLS: usize = 500;
const CLIENTS: usize = 32;
/// A start reads the whole audit after a kill, so databases are not let grow for ever.
const KILLS_OF_ONE_DATABASE: usize = 25;
/// From the first request to the kill.
const SHORTEST: u64 = 20;
const LONGEST: u64 = 300;
const BATCH: usize = 500;

/// What was counted.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    databases: usize,
    keys: usize,
    rotations: usize,
    values: usize,
    verified: usize,
    slowest_start: Duration,
}

pub async fn measure(figures: &mut Figures) -> Result<()> {
    let kills = scale::total(KILLS);
    let mut dice = Dice::new(1);
    let mut tally = Tally::default();
    let began = Instant::now();
    let mut outcome = Ok(());
    while tally.kills < kills && outcome.is_ok() {
        let rounds = KILLS_OF_ONE_DATABASE.min(kills - tally.kills);
        outcome = one_database(rounds, &mut dice, &mut tally).await;
        println!(
            "{} kills after {:.0} s",
            tally.kills,
            began.elapsed().as_secs_f64()
        );
    }
    let verdict = match &outcome {
        Ok(()) => "0 lost, 0 that do not open".to_owned(),
        Err(error) => format!("FAILED: {error:#}"),
    };
    figures.goal(
        SECTION,
        format!(
            "R1: {} SIGKILLs under {CLIENTS} clients, {} databases, {:.0} s: {} keys, {} rotations and {} ciphertexts were \
             acknowledged: {verdict}; the audit verified after {} starts; the slowest start {:.1} s",
            tally.kills,
            tally.databases,
            began.elapsed().as_secs_f64(),
            tally.keys,
            tally.rotations,
            tally.values,
            tally.verified,
            tally.slowest_start.as_secs_f64()
        ),
        outcome.is_ok() && tally.verified == tally.kills && tally.rotations > 0,
    );
    Ok(())
}

async fn one_database(rounds: usize, dice: &mut Dice, tally: &mut Tally) -> Result<()> {
    let book = Arc::new(Book::default());
    let mut server = Server::start().await?;
    tally.databases += 1;
    let mut checked = 0;
    for _ in 0..rounds {
        let mut workers = JoinSet::new();
        for number in 0..CLIENTS {
            let worker = Worker::new(number, tally.kills, Arc::clone(&book));
            workers.spawn(worker.work(server.address()));
        }
        // The moment of death is what is random here; nothing is waited for.
        let moment = SHORTEST + dice.below(LONGEST - SHORTEST);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        let folder = server.kill().await?;
        tally.kills += 1;
        while let Some(worker) = workers.join_next().await {
            worker?.context("beside the kills")?;
        }
        let began = Instant::now();
        server = Server::start_in(folder, &[])
            .await
            .with_context(|| format!("start after kill {}", tally.kills))?;
        tally.slowest_start = tally.slowest_start.max(began.elapsed());
        checked = check(&server, &book, checked).await?;
        server.run(&["audit", "verify"]).await?;
        tally.verified += 1;
    }
    // Once more what was acknowledged at any time, not only since the last start.
    tally.values += check(&server, &book, 0).await?;
    tally.keys += book.keys().len();
    tally.rotations += book.rotations();
    Ok(())
}

/// Looks for everything that was acknowledged, values from this one on; gives how many there are.
async fn check(server: &Server, book: &Book, first: usize) -> Result<usize> {
    let admin = server.admin()?;
    let stored = versions(&admin).await?;
    for (name, acknowledged) in book.keys() {
        let versions = stored
            .get(&name)
            .with_context(|| format!("the key {name} is LOST"))?;
        let active = versions
            .iter()
            .filter(|(_, state)| *state == KeyVersionState::Active)
            .count();
        ensure!(active == 1, "the key {name} has {active} active versions");
        for number in 1..=acknowledged {
            ensure!(
                versions.contains(&(number, KeyVersionState::Active))
                    || versions.contains(&(number, KeyVersionState::Deprecated)),
                "version {number} of the key {name} is LOST"
            );
        }
    }
    let values = book.values_from(first);
    let mut by_key: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for value in &values {
        by_key.entry(&value.key).or_default().push(value);
    }
    for (key, values) in by_key {
        for values in values.chunks(BATCH) {
            open(&admin, key, values).await?;
        }
    }
    Ok(first + values.len())
}

/// Every key with its versions.
async fn versions(admin: &Client) -> Result<BTreeMap<String, Vec<(u32, KeyVersionState)>>> {
    let mut found = BTreeMap::new();
    let mut page = PageQuery {
        limit: Some(500),
        ..PageQuery::default()
    };
    loop {
        let keys = admin.keys(&page).await?;
        for key in keys.items {
            let versions = key.versions.iter().map(|version| (version.number, version.state));
            found.insert(key.name.clone(), versions.collect());
        }
        if keys.next_cursor.is_none() {
            return Ok(found);
        }
        page.cursor = keys.next_cursor;
    }
}

async fn open(admin: &Client, key: &str, values: &[&Value]) -> Result<()> {
    let batch = values.iter().map(|value| Decrypt {
        ciphertext: value.ciphertext.clone(),
        context: None,
    });
    let batch = Batch {
        batch: batch.collect(),
    };
    let reply = admin.decrypt_batch(key, &batch).await?;
    ensure!(reply.items.len() == values.len(), "a batch is answered in whole");
    for (item, value) in reply.items.iter().zip(values) {
        match item {
            BatchItem::Done(done) => ensure!(
                done.plaintext.expose_secret() == value.plaintext,
                "a value of {key} opened as another one"
            ),
            BatchItem::Failed { error } => {
                anyhow::bail!("a value of {key} does not open any more: {}", error.detail)
            }
        }
    }
    Ok(())
}
