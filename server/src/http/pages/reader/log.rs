//! The log of a rotation in words.

use app::views::rotation::{LogKind, LogLine, Tone};
use engine::rotation::{RecordEvent, Rotation, RotationRecord};

use super::steps::in_words;
use super::words::moment;

/// The log in words, oldest first.
pub(super) fn log(rotation: &Rotation, records: &[RotationRecord]) -> Vec<LogLine> {
    records
        .iter()
        .map(|record| {
            let (words, tone) = record_in_words(&record.event);
            let kind = kind_of(&record.event);
            let correlation_id = format!("{}#{}", rotation.id, record.sequence);
            LogLine {
                at: moment(record.at),
                words,
                correlation_id,
                tone,
                kind,
            }
        })
        .collect()
}

fn record_in_words(event: &RecordEvent) -> (String, Tone) {
    match event {
        RecordEvent::Intended { step, attempt: 1 } => (format!("{}: begins", in_words(*step)), Tone::Plain),
        RecordEvent::Intended { step, attempt } => (
            format!("{}: attempt {attempt} begins", in_words(*step)),
            Tone::Plain,
        ),
        RecordEvent::Succeeded { step, detail } => (format!("{}: {detail}", in_words(*step)), Tone::Good),
        RecordEvent::Failed { step, detail, .. } => {
            (format!("{} failed: {detail}", in_words(*step)), Tone::Bad)
        }
        RecordEvent::Moved { to, detail, .. } => {
            let bad = matches!(to.as_str(), "rolling_back" | "rolled_back" | "needs_operator");
            (
                format!("{}: {detail}", to.replace('_', " ")),
                if bad { Tone::Bad } else { Tone::Plain },
            )
        }
        RecordEvent::Commanded { command, by, reason } => (
            format!("{by} said {}: {reason}", command.replace('_', " ")),
            Tone::Plain,
        ),
        RecordEvent::Held { reason } => (format!("holds: {reason}"), Tone::Bad),
        RecordEvent::Released => ("goes on".to_owned(), Tone::Plain),
    }
}

fn kind_of(event: &RecordEvent) -> LogKind {
    match event {
        RecordEvent::Intended { .. } | RecordEvent::Succeeded { .. } | RecordEvent::Failed { .. } => {
            LogKind::Step
        }
        RecordEvent::Moved { .. } | RecordEvent::Held { .. } | RecordEvent::Released => LogKind::State,
        RecordEvent::Commanded { .. } => LogKind::Person,
    }
}
