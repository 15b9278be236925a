//! Targets, jobs and censuses as lines of text; a tabulator between what a script may want to cut.

use std::fmt::Write as _;

use api::reencryption::{Census, Reencryption, ReencryptionState, Target};

use crate::commands::CommandError;
use crate::commands::key::spoken;

/// `orders  postgresql  key cards  1,200 records, oldest version 2  job 0198…`
pub(super) fn target(target: &Target) -> String {
    let census = target.census.as_ref().map_or_else(
        || "not counted yet".to_owned(),
        |census| {
            let records: u64 = census.versions.iter().map(|entry| entry.records).sum();
            let oldest = census.versions.iter().map(|entry| entry.version).min();
            match oldest {
                Some(oldest) => format!("{records} records, oldest version {oldest}"),
                None => "no records".to_owned(),
            }
        },
    );
    let job = target
        .job
        .as_ref()
        .map_or(String::new(), |job| format!("\tjob {job}"));
    format!(
        "{}\t{}\tkey {}\t{census}{job}",
        target.name, target.kind, target.key
    )
}

/// `0198…  orders  rewrap  running  1200 of 4000 (30 %), 210.0 records/s, 13 s left`
pub(super) fn line(job: &Reencryption) -> String {
    let mut line = format!(
        "{}\t{}\t{}\t{}\t{}",
        job.id,
        job.target,
        spoken(&job.mode),
        spoken(&job.state),
        progress(job)
    );
    if let Some(why) = job.why.as_ref().or(job.trouble.as_ref()) {
        let _always_room = write!(line, "\t{why}");
    }
    line
}

fn progress(job: &Reencryption) -> String {
    let counts = &job.counts;
    if is_over(job.state) {
        return format!(
            "{} moved, {} current, {} left",
            counts.moved, counts.current, counts.left
        );
    }
    let mut progress = match (job.total, job.percent) {
        (Some(total), Some(percent)) => format!("{} of {total} ({percent:.0} %)", counts.scanned),
        _ => format!("{} scanned", counts.scanned),
    };
    if job.state == ReencryptionState::Running {
        let _always_room = write!(progress, ", {:.1} records/s", job.records_per_second);
        if let Some(seconds) = job.seconds_left {
            let _always_room = write!(progress, ", {} left", duration(seconds));
        }
    }
    progress
}

fn is_over(state: ReencryptionState) -> bool {
    matches!(
        state,
        ReencryptionState::Completed | ReencryptionState::Failed | ReencryptionState::Cancelled
    )
}

/// Two units at most: `13 s`, `4 min 10 s`, `3 h 5 min`, `2 d 4 h`.
fn duration(seconds: u64) -> String {
    let (larger, smaller, rest) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3_600 => (seconds / 60, ("min", "s"), seconds % 60),
        3_600..86_400 => (seconds / 3_600, ("h", "min"), seconds % 3_600 / 60),
        _ => (seconds / 86_400, ("d", "h"), seconds % 86_400 / 3_600),
    };
    format!("{larger} {} {rest} {}", smaller.0, smaller.1)
}

/// The line, and what a person asks next.
pub(super) fn whole(job: &Reencryption) -> String {
    let counts = &job.counts;
    let rate = job
        .rate
        .map_or_else(|| "no limit".to_owned(), |rate| format!("at most {rate}/s"));
    let mut text = format!(
        "{}\n  key {}, pass {}, started by {}: {}\n  pace: {rate}, {} at once, {} records a look, {} at work\n  \
         records: {} moved, {} current, {} of another key, {} conflicts, {} left, {} gone, {} unreadable\n",
        line(job),
        job.key,
        job.pass,
        job.started_by,
        job.reason,
        job.concurrency,
        job.batch_size,
        job.workers,
        counts.moved,
        counts.current,
        counts.other_key,
        counts.conflicts,
        counts.left,
        counts.gone,
        counts.unreadable,
    );
    if counts.shadow_mean_micros > 0 {
        let _always_room = writeln!(
            text,
            "  shadow: {} differing, {} µs a record, {} µs the longest",
            counts.differing, counts.shadow_mean_micros, counts.shadow_longest_micros
        );
    }
    for record in &job.failing {
        let _always_room = writeln!(
            text,
            "  failing: {}\t{}\t{}",
            record.record, record.class, record.detail
        );
    }
    text
}

/// Why whoever waited for it gets an error.
pub(super) fn not_completed(job: &Reencryption) -> CommandError {
    let why = job.why.as_deref().unwrap_or("see `rota reencrypt show`");
    CommandError::Failed(format!("job {} is {}: {why}", job.id, spoken(&job.state)))
}

/// `orders  2026-11-21T19:00:00Z  key 0198…  version 2  1200 records  84000 bytes`
pub(super) fn census(census: &Census) -> String {
    let mut text = String::new();
    for entry in &census.versions {
        let _always_room = writeln!(
            text,
            "{}\t{}\tkey {}\tversion {}\t{} records\t{} bytes",
            census.target, census.finished_at, entry.key_id, entry.version, entry.records, entry.bytes
        );
    }
    if census.malformed > 0 {
        let _always_room = writeln!(
            text,
            "{}\t{}\tno envelope\t{} records",
            census.target, census.finished_at, census.malformed
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_time_left_has_two_units_at_most() {
        assert_eq!(
            [0, 59, 250, 11_100, 187_200].map(duration),
            ["0 s", "59 s", "4 min 10 s", "3 h 5 min", "2 d 4 h"]
        );
    }
}
