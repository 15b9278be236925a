//! Expiries: a month as calendar and list.

use std::collections::BTreeMap;

use app::reader::ReadError;
use app::views::expiry::{ExpiriesQuery, ExpiriesView, ExpiryLine, YearMonth};
use app::views::overview::DayCount;
use engine::board::counted;
use engine::catalog::CredentialFacts;
use time::{Date, OffsetDateTime};

use super::credential::line;
use super::words::{count, moment};
use super::{PageReader, unavailable};

/// Lines of each list; the page says how many more there are.
const SHOWN: usize = 100;

impl PageReader {
    pub(super) async fn read_expiries(&self, query: ExpiriesQuery) -> Result<ExpiriesView, ReadError> {
        let services = &self.state.services;
        let mut credentials = services.credentials(&self.actor).await.map_err(unavailable)?;
        credentials.retain(|facts| self.is_within(&facts.credential.environment));
        let now = moment(self.now());
        let today = now.date();
        let month = query.month.unwrap_or(YearMonth {
            year: today.year(),
            month: today.month(),
        });
        let mut lines: Vec<ExpiryLine> = counted(&credentials).into_iter().filter_map(expiry).collect();
        lines.sort_by_key(|line| line.expires_at);
        let (mut late, ahead): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.expires_at < now);
        late.reverse();
        let of_month: Vec<ExpiryLine> = ahead
            .into_iter()
            .filter(|line| is_in(month, line.expires_at))
            .collect();
        let mut days: BTreeMap<Date, u64> = BTreeMap::new();
        for line in &of_month {
            *days.entry(line.expires_at.date()).or_default() += 1;
        }
        let chosen: Vec<ExpiryLine> = of_month
            .into_iter()
            .filter(|line| query.day.is_none_or(|day| line.expires_at.date() == day))
            .collect();
        Ok(ExpiriesView {
            month,
            today,
            late_total: count(late.len()),
            late: late.into_iter().take(SHOWN).collect(),
            days: days
                .into_iter()
                .map(|(day, count)| DayCount { day, count })
                .collect(),
            items_total: count(chosen.len()),
            items: chosen.into_iter().take(SHOWN).collect(),
        })
    }
}

fn is_in(month: YearMonth, at: OffsetDateTime) -> bool {
    at.year() == month.year && at.month() == month.month
}

fn expiry(facts: &CredentialFacts) -> Option<ExpiryLine> {
    let shown = line(facts);
    Some(ExpiryLine {
        credential: shown.name,
        team: shown.team,
        environment: shown.environment,
        expires_at: moment(facts.expires_at?),
        status: shown.status,
        next_rotation: shown.next_rotation,
    })
}
