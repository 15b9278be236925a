//! P6: stored values are moved to another version of their key, beside what the databases do by themselves, and beside
//! callers who are not to notice.

mod mover;
mod rows;

use std::time::Duration;

use anyhow::Result;
use api::reencryption::ReencryptionMode;
use serde_json::json;

use crate::figures::{Figures, quantile};
use crate::load::{Load, Requests, drive};
use crate::scale::{self, Turns};
use crate::server::{BOOTSTRAP_TOKEN, Server};
use mover::{KEY, Mover};
use rows::{PGCRYPTO, PostgresRows, SqliteRows};

const SECTION: &str = "reencryption";
const ROWS: usize = 50_000;
const BYTES: usize = 256;
/// Callers in the foreground: far from what the server can do, as callers are.
const RATE: f64 = 500.0;
const CLIENTS: usize = 16;
const MODES: [ReencryptionMode; 2] = [ReencryptionMode::Rewrap, ReencryptionMode::Reencrypt];

pub async fn measure(figures: &mut Figures) -> Result<()> {
    let rows = scale::total(ROWS);
    let server = Server::start().await?;
    let mover = Mover::new(&server);
    mover.create_key().await?;
    let values = mover.sealed(rows, BYTES).await?;
    let sqlite = SqliteRows::fill(server.folder(), &values).await?;
    let in_sqlite = mover.register_sqlite(&sqlite).await?;
    let postgres = PostgresRows::fill(&values, BYTES).await?;
    let in_postgres = mover.register_postgres(&postgres).await?;
    drop(values);

    let rounds = Turns::of(3, 0.0).rounds;
    let mut of_sqlite = Speeds::default();
    let mut by_itself = Vec::new();
    for _ in 0..rounds {
        of_sqlite.jobs(&mover, &in_sqlite, rows).await?;
        of_sqlite.own.push(sqlite.update_by_values().await?);
        by_itself.push(sqlite.update().await?);
    }
    of_sqlite.tell(
        figures,
        "SQLite",
        "by a program, 500 rows to a transaction",
        Some(0.35),
    );
    figures.shown(
        SECTION,
        format!(
            "SQLite: {:.0} rows/s from table to table, without a program",
            median(&by_itself)
        ),
    );
    let mut of_postgres = Speeds::default();
    let mut crypto = PGCRYPTO.map(|_| Vec::new());
    for _ in 0..rounds {
        of_postgres.jobs(&mover, &in_postgres, rows).await?;
        of_postgres.own.push(postgres.update().await?);
        for (place, speeds) in crypto.iter_mut().enumerate() {
            speeds.push(postgres.pgcrypto(place).await?);
        }
    }
    of_postgres.tell(figures, "PostgreSQL", "in one statement", None);
    let crypto = crypto.map(|speeds| median(&speeds));
    for ((name, _), speed) in PGCRYPTO.iter().zip(crypto) {
        figures.shown(
            SECTION,
            format!("PostgreSQL: {speed:.0} rows/s by pgcrypto, {name}"),
        );
    }
    // The second is what one would take: authenticated as ours, and nothing stretched that is random already.
    for (mode, speeds) in MODES.iter().zip(&of_postgres.ours) {
        let ratio = median(speeds) / crypto[1];
        figures.goal(
            SECTION,
            format!(
                "P6: {mode:?} on PostgreSQL does {ratio:.2}x the rows of pgcrypto ({}; goal 3)",
                PGCRYPTO[1].0
            ),
            ratio >= 3.0,
        );
    }
    foreground(figures, &server, &mover, &in_sqlite, rows).await?;
    foreground(figures, &server, &mover, &in_postgres, rows).await
}

/// Rows a second, one for each round.
#[derive(Debug, Default)]
struct Speeds {
    ours: [Vec<f64>; MODES.len()],
    own: Vec<f64>,
}

impl Speeds {
    async fn jobs(&mut self, mover: &Mover, target: &str, rows: usize) -> Result<()> {
        for (mode, speeds) in MODES.iter().zip(&mut self.ours) {
            let took = mover.job(target, *mode, rows).await?;
            speeds.push(rows as f64 / took.as_secs_f64());
        }
        Ok(())
    }

    fn tell(&self, figures: &mut Figures, database: &str, how: &str, goal: Option<f64>) {
        let own = median(&self.own);
        figures.shown(
            SECTION,
            format!("{database}: {own:.0} rows/s for the same update without Rota, {how}"),
        );
        for (mode, speeds) in MODES.iter().zip(&self.ours) {
            let speed = median(speeds);
            let text = format!(
                "P6: {mode:?} of {BYTES} B on {database}: {speed:.0} rows/s to the job's end, {:.2}x of that",
                speed / own
            );
            match goal {
                Some(goal) => figures.goal(SECTION, format!("{text} (goal {goal})"), speed >= goal * own),
                None => figures.shown(SECTION, text),
            }
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Callers who encrypt at a steady rate, with jobs beside them and without, in turn.
async fn foreground(
    figures: &mut Figures,
    server: &Server,
    mover: &Mover,
    target: &str,
    rows: usize,
) -> Result<()> {
    let body = json!({"plaintext": "aHVudGVyMg=="}).to_string();
    let path = format!("/api/v1/keys/{KEY}/encrypt");
    let requests = Requests::post(&path, BOOTSTRAP_TOKEN, &[body]);
    let turns = Turns::of(3, 4.0);
    let (mut idle, mut beside) = (Vec::new(), Vec::new());
    let mut moved = Duration::ZERO;
    let mut jobs = 0;
    for _ in 0..turns.rounds {
        let load = Load {
            requests: requests.clone(),
            clients: CLIENTS,
            lasts: turns.lasts,
            rate: Some(RATE),
        };
        idle.extend(drive(server, load.clone()).await?.latencies);
        let driven = drive(server, load);
        tokio::pin!(driven);
        // Jobs without a break, until the callers have been answered.
        let run = loop {
            let job = mover.job(target, ReencryptionMode::Rewrap, rows);
            tokio::pin!(job);
            let ended = tokio::select! {
                run = &mut driven => Some(run?),
                took = &mut job => {
                    moved += took?;
                    jobs += 1;
                    None
                }
            };
            if let Some(run) = ended {
                moved += job.await?;
                jobs += 1;
                break run;
            }
        };
        beside.extend(run.latencies);
    }
    let (calm, loaded) = (quantile(&idle, 0.99), quantile(&beside, 0.99));
    let ratio = loaded.as_secs_f64() / calm.as_secs_f64();
    figures.goal(
        SECTION,
        format!(
            "P6: {RATE:.0} encrypts/s beside jobs on {target}: p99 {:.2} ms, {ratio:.2}x of {:.2} ms without (goal 2); p50 \
             {:.2} and {:.2} ms; the jobs gave way and did {:.0} rows/s",
            loaded.as_secs_f64() * 1e3,
            calm.as_secs_f64() * 1e3,
            quantile(&beside, 0.5).as_secs_f64() * 1e3,
            quantile(&idle, 0.5).as_secs_f64() * 1e3,
            (rows * jobs) as f64 / moved.as_secs_f64()
        ),
        ratio <= 2.0,
    );
    Ok(())
}
