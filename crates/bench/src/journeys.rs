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
