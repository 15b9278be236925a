//! Known values never leave in a program's output.

use std::sync::{Arc, PoisonError, RwLock};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::Lease;

/// Shorter values would turn every line into stars, and are no secrets worth the name.
const SHORTEST: usize = 4;
/// A program may still print what it held two versions ago.
const LEASES_REMEMBERED: usize = 8;
/// Values that say where and not what; hiding them would hide the program's own messages.
const PUBLIC_VALUES: [&str; 6] = ["username", "host", "port", "database", "sslmode", "ca_pem"];

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

type Pattern = Zeroizing<Vec<u8>>;

/// What must be masked; grows with every version handed to the program.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownValues {
    leases: Arc<RwLock<Vec<Vec<Pattern>>>>,
}

impl KnownValues {
    pub(super) fn learn(&self, lease: &Lease) {
        let mut patterns = Vec::new();
        for (name, value) in lease.expose_all() {
            if PUBLIC_VALUES.contains(&name) || value.len() < SHORTEST {
                continue;
            }
            let in_url = utf8_percent_encode(&value, UNRESERVED).to_string();
            let in_json = serde_json::to_string(&value).unwrap_or_default();
            let in_json = in_json.trim_start_matches('"').trim_end_matches('"');
            for form in [value.as_bytes(), in_url.as_bytes(), in_json.as_bytes()] {
                if form.len() >= SHORTEST && !patterns.iter().any(|known: &Pattern| known.as_slice() == form)
                {
                    patterns.push(Zeroizing::new(form.to_vec()));
                }
            }
        }
        let mut leases = self.leases.write().unwrap_or_else(PoisonError::into_inner);
        leases.push(patterns);
        let surplus = leases.len().saturating_sub(LEASES_REMEMBERED);
        leases.drain(..surplus);
    }
}

/// Masks one stream. It holds back only what may yet become a known value.
#[derive(Debug)]
pub(super) struct Masker {
    known: KnownValues,
    held_back: Zeroizing<Vec<u8>>,
}

impl Masker {
    pub(super) fn new(known: KnownValues) -> Self {
        Self {
            known,
            held_back: Zeroizing::default(),
        }
    }

    /// Masks what has arrived; the rest stays held back.
    pub(super) fn mask(&mut self, arrived: &[u8]) -> Vec<u8> {
        self.held_back.extend_from_slice(arrived);
        let leases = self.known.leases.read().unwrap_or_else(PoisonError::into_inner);
        let patterns: Vec<&Pattern> = leases.iter().flatten().collect();
        let mut masked = Vec::with_capacity(self.held_back.len());
        let mut at = 0;
        while at < self.held_back.len() {
            let rest = &self.held_back[at..];
            if patterns
                .iter()
                .any(|pattern| pattern.len() > rest.len() && pattern.starts_with(rest))
            {
                break;
            }
            let longest = patterns
                .iter()
                .filter(|pattern| rest.starts_with(pattern))
                .map(|pattern| pattern.len())
                .max();
            match longest {
                Some(length) => {
                    masked.extend_from_slice(b"***");
                    at += length;
                }
                None => {
                    masked.push(rest[0]);
                    at += 1;
                }
            }
        }
        let kept = Zeroizing::new(self.held_back[at..].to_vec());
        drop(leases);
        self.held_back = kept;
        masked
    }

    /// The end of the stream: what is held back is no whole value, but its beginning would tell too much.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let rest = std::mem::take(&mut self.held_back);
        if rest.len() < SHORTEST {
            rest.to_vec()
        } else {
            b"***".to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use api::{Secret, delivery::DeliveredValue};

    use super::*;

    fn known(passwords: &[&str]) -> KnownValues {
        let known = KnownValues::default();
        for password in passwords {
            let values = [
                ("password", *password),
                ("username", "orders_a"),
                ("host", "db.example.com"),
            ]
            .map(|(name, value)| (name.to_owned(), DeliveredValue::Text(Secret::new(value))));
            known.learn(&Lease::new("orders-app", 1, values.into()));
        }
        known
    }

    fn check(passwords: &[&str], printed: &str, expected: &str) {
        for cut in 1..=printed.len() {
            let mut masker = Masker::new(known(passwords));
            let mut masked = Vec::new();
            for chunk in printed.as_bytes().chunks(cut) {
                masked.extend(masker.mask(chunk));
            }
            masked.extend(masker.finish());
            assert_eq!(
                String::from_utf8_lossy(&masked),
                expected,
                "cut every {cut} bytes"
            );
        }
    }

    #[test]
    fn no_cut_lets_a_value_through() {
        check(
            &["hunter2"],
            "a hunter2 b hunter2hunter2 hunter",
            "a *** b ****** ***",
        );
        check(&["hunter2"], "hhunhunter2 hunter3", "hhun*** hunter3");
        check(&["aaab"], "aaaab aaa b", "a*** aaa b");
        check(&["abcd", "abcdefgh"], "abcdefgh abcdefg abcd", "*** ***efg ***");
        check(
            &["p\"w\n%é"],
            "x=p\"w\n%é {\"p\":\"p\\\"w\\n%é\"} ?p=p%22w%0A%25%C3%A9&",
            "x=*** {\"p\":\"***\"} ?p=***&",
        );
    }

    #[test]
    fn what_says_where_stays_readable() {
        check(&["hunter2"], "orders_a@db.example.com", "orders_a@db.example.com");
        check(&["abc"], "abc", "abc");
    }

    #[test]
    fn nothing_is_held_back_that_cannot_become_a_value() {
        let mut masker = Masker::new(known(&["hunter2"]));
        assert_eq!(masker.mask(b"Password: "), b"Password: ");
        assert_eq!(masker.mask(b"hun"), b"");
        assert_eq!(masker.mask(b"t!"), b"hunt!");
    }
}
