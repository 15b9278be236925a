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
        syncs_per_second(&sync_times(SYNC_FOR)?),
        load.join(" ")
    ))
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// How long each took when one page is written and synced, again and again, where the databases of the sections lie.
pub fn sync_times(lasts: Duration) -> Result<Vec<Duration>> {
    let folder = tempfile::tempdir()?;
    let mut file = File::create(folder.path().join("page")).context("a file to sync")?;
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < lasts {
        let one = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        times.push(one.elapsed());
    }
    Ok(times)
}

/// How many of them a second holds, one after the other.
pub fn syncs_per_second(times: &[Duration]) -> f64 {
    times.len() as f64 / times.iter().sum::<Duration>().as_secs_f64()
}
