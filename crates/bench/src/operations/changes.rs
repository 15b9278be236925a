//! P8: what changes keys. Each change is fsynced, so the disk is the yardstick.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _, Row};
use tokio::time::Instant;

use super::subject::{KEY, Operation, Shape, Subject};
use super::{SECTION, SMALL, millis};
use crate::figures::{Figures, quantile};
use crate::load::{self, Connection, Load, Requests, drive};
use crate::machine;
use crate::scale::Turns;

const ROTATIONS: usize = 100;
/// A second of encrypting with a rotation in the middle of it.
const SECOND: Duration = Duration::from_secs(1);
const KEY_CLIENTS: usize = 16;
/// More than can be made in the time.
const MOST_KEYS: usize = 40_000;

pub(super) async fn measure(figures: &mut Figures, subject: &Subject) -> Result<()> {
    rotations(figures, subject).await?;
    encrypting_meanwhile(figures, subject).await?;
    creations(figures, subject).await
}

/// One after the other, of a key that has few versions: a fresh one every ten rotations.
async fn rotations(figures: &mut Figures, subject: &Subject) -> Result<()> {
    let mut connection = Connection::open(&subject.server.address()).await?;
    let mut times = Vec::with_capacity(ROTATIONS);
    let mut syncs = Vec::new();
    for turn in 0..ROTATIONS {
        let name = format!("rotated-{}", turn / 10);
        if turn % 10 == 0 {
            syncs.extend(machine::sync_times(Duration::from_millis(100))?);
            create(&mut connection, subject, &name).await?;
        }
        times.push(rotate(&mut connection, subject, &name).await?);
    }
    let sync = Duration::from_secs_f64(1.0 / machine::syncs_per_second(&syncs));
    let p99 = quantile(&times, 0.99);
    let ratio = p99.as_secs_f64() / sync.as_secs_f64();
    figures.goal(
        SECTION,
        format!(
            "P8: {ROTATIONS} rotations: p50 {}, p99 {} = {ratio:.1} mean fdatasyncs of {} (goal 4)",
            millis(quantile(&times, 0.5)),
            millis(p99),
            millis(sync)
        ),
        ratio <= 4.0,
    );
    Ok(())
}

async fn create(connection: &mut Connection, subject: &Subject, name: &str) -> Result<()> {
    let request = load::post("/api/v1/keys", &subject.token, &key(name));
    let status = connection.ask(&request).await?;
    ensure!(status == 201, "making a key answers {status}");
    Ok(())
}

async fn rotate(connection: &mut Connection, subject: &Subject, name: &str) -> Result<Duration> {
    let body = json!({"reason": "measuring", "confirm": true}).to_string();
    let request = load::post(&format!("/api/v1/keys/{name}/rotate"), &subject.token, &body);
    let began = Instant::now();
    let status = connection.ask(&request).await?;
    ensure!(
        status == 200,
        "rotating answers {status}: {}",
        String::from_utf8_lossy(connection.body())
    );
    Ok(began.elapsed())
}

fn key(name: &str) -> String {
    json!({"name": name, "algorithm": "aes256-gcm"}).to_string()
}

/// Seconds with a rotation and seconds without, in turn.
async fn encrypting_meanwhile(figures: &mut Figures, subject: &Subject) -> Result<()> {
    let shape = Shape::single(Operation::Encrypt, SMALL);
    let requests = subject.requests(shape).await?;
    let mut connection = Connection::open(&subject.server.address()).await?;
    let (mut quiet, mut rotated) = (Vec::new(), Vec::new());
    for _ in 0..Turns::of(10, 1.0).rounds {
        for with_rotation in [false, true] {
            let load = Load {
                requests: requests.clone(),
                clients: 64,
                lasts: SECOND,
                rate: None,
            };
            let rotation = async {
                if with_rotation {
                    tokio::time::sleep(SECOND / 3).await;
                    rotate(&mut connection, subject, KEY).await?;
                }
                anyhow::Ok(())
            };
            let (run, rotation) = tokio::join!(drive(&subject.server, load), rotation);
            rotation?;
            let rates = if with_rotation { &mut rotated } else { &mut quiet };
            rates.push(run?.per_second());
        }
    }
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates.get(rates.len() / 2).copied().unwrap_or(0.0)
    };
    let (quiet, rotated) = (median(&mut quiet), median(&mut rotated));
    let ratio = rotated / quiet;
    figures.goal(
        SECTION,
        format!(
            "P8: in the second of a rotation {rotated:.0} encrypts, {ratio:.2}x the {quiet:.0} of one without (goal 0.9)"
        ),
        ratio >= 0.9,
    );
    Ok(())
}

/// Sixteen clients make keys. Each commit of the store is one fsync, and the store counts them.
async fn creations(figures: &mut Figures, subject: &Subject) -> Result<()> {
    let bodies: Vec<String> = (0..MOST_KEYS)
        .map(|number| key(&format!("made-{number}")))
        .collect();
    let load = Load {
        requests: Requests::post("/api/v1/keys", &subject.token, &bodies),
        clients: KEY_CLIENTS,
        lasts: Turns::of(1, 3.0).lasts,
        rate: None,
    };
    let before = commits(subject.server.folder()).await?;
    let run = drive(&subject.server, load).await?;
    let made = run.latencies.len();
    let commits = commits(subject.server.folder()).await? - before;
    let ratio = made as f64 / commits.max(1) as f64;
    figures.goal(
        SECTION,
        format!(
            "P8: {:.0} keys made a second by {KEY_CLIENTS} clients, {made} in {commits} commits of one fsync each: {ratio:.1} \
             keys per fsync (goal 8)",
            run.per_second()
        ),
        ratio >= 8.0,
    );
    Ok(())
}

/// How many changes were committed so far, groups counted once.
async fn commits(folder: &Path) -> Result<i64> {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("rota.db"))
        .read_only(true);
    let mut connection = options.connect().await.context("the server's database opens")?;
    let row = sqlx::query("select commits from audit_head where id = 1")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(row.try_get("commits")?)
}
