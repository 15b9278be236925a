//! The keyring as a library: how fast, how much it refuses, and in how many orders it was tried.

use anyhow::{Context, Result};

use crate::figures::Figures;
use crate::journeys::{cargo, tamperings, test};

const SECTION: &str = "keyring";
const SCHEDULES: u32 = 100_000;

pub async fn measure(figures: &mut Figures) -> Result<()> {
    speed(figures).await?;
    tamperings(figures).await?;
    schedules(figures).await
}

/// Beside raw `ring` on the same core, in nanoseconds of processor time (`crates/keyring/examples/speed.rs`).
async fn speed(figures: &mut Figures) -> Result<()> {
    let output = cargo()
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "keyring",
            "--example",
            "speed",
        ])
        .output()
        .await
        .context("cargo runs")?;
    let text = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(
        text.contains("goals"),
        "the example `speed` did not finish: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in text.lines().filter(|line| !line.starts_with("goals")) {
        match line.split_once("  goal ") {
            Some(_) => figures.goal(SECTION, line, !line.ends_with("MISSED")),
            None => figures.shown(SECTION, line),
        }
    }
    Ok(())
}

/// Promotion and revocation against sealing and opening, on the cell that the server shares.
async fn schedules(figures: &mut Figures) -> Result<()> {
    let arguments = [
        "--package",
        "keyring",
        "--features",
        "shuttle",
        "--test",
        "schedules",
        "what_was_acknowledged_holds",
    ];
    let (passed, took) = test(&arguments, "ROTA_SCHEDULES", SCHEDULES).await?;
    let verdict = if passed {
        "what was acknowledged held in all"
    } else {
        "FAILED: the output above says how"
    };
    let text = format!("{SCHEDULES} schedules of promotion and revocation in {took:.0} s: {verdict}");
    figures.goal(SECTION, text, passed);
    Ok(())
}
