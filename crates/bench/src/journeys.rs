//! What the tests can do at greater length: the same journeys, with larger numbers.

use std::process::Stdio;

use anyhow::{Context, Result};
use tokio::process::Command;
use tokio::time::Instant;

use crate::figures::Figures;
use crate::server::workspace;

const KILLS: u32 = 100;
const TAMPERINGS: u32 = 1_000_000;
const CUTS: u32 = 1_000;
const SEALS: u32 = 10_000_000;
const MOVER_KILLS: u32 = 100;

/// `kill -9` at random moments under live consumers on PostgreSQL. The development build that `make test` leaves.
pub async fn kills(figures: &mut Figures) -> Result<()> {
    let arguments = [
        "--package",
        "server",
        "--test",
        "journeys",
        "kills_at_random_moments",
    ];
    let (passed, took) = test(&arguments, "ROTA_KILLS", KILLS).await?;
    let verdict = if passed {
        "every rotation ended whole, nobody kept a refused credential, no login left behind, the audit verifies"
    } else {
        "FAILED: the output above says how"
    };
    figures.goal(
        "kills",
        format!("{KILLS} kill -9 under four live consumers in {took:.0} s: {verdict}"),
        passed,
    );
    Ok(())
}

/// Database files cut short or torn at random bytes.
pub async fn torn(figures: &mut Figures) -> Result<()> {
    let arguments = [
        "--package",
        "store",
        "--test",
        "contract",
        "a_torn_database_opens",
    ];
    let (passed, took) = test(&arguments, "ROTA_TORN", CUTS).await?;
    let verdict = if passed {
        "each opened consistent or was refused, 0 silently corrupt"
    } else {
        "FAILED: the output above says how"
    };
    figures.goal(
        "torn",
        format!("{CUTS} torn databases in {took:.0} s: {verdict} (goal 0)"),
        passed,
    );
    Ok(())
}

/// Envelopes that were cut, flipped, swapped or moved.
pub async fn tamperings(figures: &mut Figures) -> Result<()> {
    let arguments = [
        "--package",
        "keyring",
        "--test",
        "keyring",
        "nothing_tampered_with_opens",
    ];
    let (passed, took) = test(&arguments, "ROTA_TAMPERINGS", TAMPERINGS).await?;
    let opened = if passed {
        "0 opened, at least half of them reached the cipher"
    } else {
        "at least one OPENED, or too few reached the cipher"
    };
    figures.goal(
        "keyring",
        format!("{TAMPERINGS} tampered envelopes in {took:.0} s: {opened} (goal 0)"),
        passed,
    );
    Ok(())
}

/// R9: how often a key met a nonce twice, and what happens at the limit of uses.
pub async fn nonces(figures: &mut Figures) -> Result<()> {
    let arguments = [
        "--package",
        "keyring",
        "--test",
        "keyring",
        "no_key_meets_a_nonce_twice",
    ];
    let (passed, took) = test(&arguments, "ROTA_SEALS", SEALS).await?;
    let verdict = if passed {
        "0 repeated (data key, nonce), 0 repeated (wrapping key, nonce)"
    } else {
        "FAILED: the output above says how"
    };
    figures.goal(
        "nonces",
        format!("R9: {SEALS} seals in {took:.0} s: {verdict}"),
        passed,
    );
    let arguments = [
        "--package",
        "engine",
        "--test",
        "services",
        "at_the_hard_limit_another_version_takes_over",
    ];
    let (passed, _) = test(&arguments, "ROTA_SEALS", SEALS).await?;
    let verdict = if passed {
        "another version takes over before anything more is sealed"
    } else {
        "FAILED: the output above says how"
    };
    figures.goal(
        "nonces",
        format!("R9: uses preset to 3 below 2^32: {verdict}"),
        passed,
    );
    Ok(())
}

/// R7: workers of a re-encryption killed at random points beside writers that never stop.
pub async fn mover_kills(figures: &mut Figures) -> Result<()> {
    for (database, name) in [
        ("PostgreSQL", "on_postgresql_killed_workers_lose"),
        ("SQLite", "on_sqlite_killed_workers_lose"),
    ] {
        let arguments = ["--package", "engine", "--test", "reencryption", name];
        let (passed, took) = test(&arguments, "ROTA_MOVER_KILLS", MOVER_KILLS).await?;
        let verdict = if passed {
            "0 rows lost, skipped or overwritten"
        } else {
            "FAILED: the output above says how"
        };
        figures.goal(
            "mover-kills",
            format!(
                "R7: {MOVER_KILLS} killed workers of re-encryption under two writers on {database}, {took:.0} s: {verdict}"
            ),
            passed,
        );
    }
    let arguments = [
        "--package",
        "engine",
        "--test",
        "reencryption",
        "a_dead_workers_range_is_taken_over_within_five_seconds",
    ];
    let (passed, _) = test(&arguments, "ROTA_MOVER_KILLS", MOVER_KILLS).await?;
    let verdict = if passed { "within 5 s" } else { "NOT within 5 s" };
    figures.goal(
        "mover-kills",
        format!("R7: a dead worker's range is taken over {verdict}"),
        passed,
    );
    Ok(())
}

/// Runs one test that exists, and says whether it passed and how long it took: by `cargo test`: a long run is no hanging one, so there is no limit of time.
pub async fn test(arguments: &[&str], variable: &str, number: u32) -> Result<(bool, f64)> {
    let build = cargo()
        .arg("test")
        .args(arguments)
        .arg("--no-run")
        .status()
        .await?;
    anyhow::ensure!(
        build.success(),
        "cargo test --no-run {} failed",
        arguments.join(" ")
    );
    let began = Instant::now();
    let output = cargo()
        .arg("test")
        .args(arguments)
        .env(variable, number.to_string())
        .stderr(Stdio::inherit())
        .output()
        .await
        .context("cargo runs")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && text.contains("1 passed");
    if !passed {
        println!("{text}");
    }
    Ok((passed, began.elapsed().as_secs_f64()))
}

pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace()).kill_on_drop(true);
    command
}
