//! What the numbers were measured on.

use std::fs::File;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::Instant;

const SYNC_FOR: Duration = Duration::from_secs(2);

/// Says it in one line: numbers mean nothing without it.
pub fn describe() -> Result<String> {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "unknown memory".to_owned());
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    Ok(format!(
        "{cores} cores, {cpu}, memory {memory}, {:.0} fdatasync/s, load {} before",
        syncs_per_second()?,
        load.join(" ")
    ))
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// One page written and synced, again and again, where the databases of the sections lie.
fn syncs_per_second() -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let mut file = File::create(folder.path().join("page")).context("a file to sync")?;
    let began = Instant::now();
    let mut syncs = 0_u32;
    while began.elapsed() < SYNC_FOR {
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        syncs += 1;
    }
    Ok(f64::from(syncs) / began.elapsed().as_secs_f64())
}
