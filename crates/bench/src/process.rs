//! What the kernel says of a process.

use std::time::Duration;

use anyhow::{Context, Result};

/// What Linux counts processor time in for user space, on every machine that Rota runs on.
const TICKS_PER_SECOND: u64 = 100;

/// The processor time of a process with all its threads, those that ended included. It is exact to a tick of 10 ms.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let stat =
        std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the server's process is there")?;
    ticks(&stat)
        .map(|ticks| Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
        .context("/proc/<pid>/stat has the form of proc(5)")
}

/// `utime` and `stime`, the 14th and 15th field; the second field may hold spaces and ends with the last parenthesis.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_are_found_behind_any_name() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 100 0 0 0 123 45 6 7 20 0 3 0 99";
        assert_eq!(ticks(stat), Some(168));
        assert!(cpu_time(std::process::id()).is_ok());
    }
}
