//! Issuers: the list and one of them.

use app::reader::ReadError;
use app::views::Listing;
use app::views::catalog::CatalogQuery;
use app::views::credential::{FindingLine, Severity};
use app::views::issuer::{IssuerHealth, IssuerLine, IssuerView, IssuersView};
use engine::Name;
use engine::catalog::{CredentialFacts, Issuer};
use serde_json::Value;

use super::credential::line as credential_line;
use super::words::{count, moment};
use super::{PageReader, unavailable};

/// Lines on one page of a list of the catalog.
pub(super) const PAGE: usize = 50;

impl PageReader {
    pub(super) async fn read_issuers(&self, query: CatalogQuery) -> Result<IssuersView, ReadError> {
        let services = &self.state.services;
        let mut issuers = services.issuers(&self.actor).await.map_err(unavailable)?;
        issuers.retain(|issuer| self.is_within(&issuer.environment));
        let query = self.narrowed(query);
        let credentials = services.credentials(&self.actor).await.map_err(unavailable)?;
        let lines: Vec<IssuerLine> = issuers.iter().map(|issuer| line(issuer, &credentials)).collect();
        let failing = count(lines.iter().filter(|line| is_failing(&line.health)).count());
        let listing = listed(
            lines,
            &query,
            |line| [&line.name, &line.address, &line.kind],
            |line| &line.environment,
        );
        Ok(IssuersView {
            listing,
            failing,
            may_administer: self.may_administer(),
        })
    }

    /// The switch goes before a filter that an address still carries.
    pub(super) fn narrowed(&self, query: CatalogQuery) -> CatalogQuery {
        CatalogQuery {
            environment: query.environment.filter(|_| self.environment().is_none()),
            ..query
        }
    }

    pub(super) async fn read_issuer(&self, name: &str) -> Result<IssuerView, ReadError> {
        let name = Name::parse(name).map_err(|_| ReadError::NotFound)?;
        let services = &self.state.services;
        let issuer = services.issuer(&self.actor, &name).await.map_err(unavailable)?;
        let credentials = services.credentials(&self.actor).await.map_err(unavailable)?;
        Ok(IssuerView {
            line: line(&issuer, &credentials),
            config: settings(&issuer),
            credentials: issued(&issuer, &credentials).map(credential_line).collect(),
            findings: issuer
                .findings
                .iter()
                .map(|finding| FindingLine {
                    severity: Severity::Notice,
                    title: finding.clone(),
                    remedy: "Mend it at the issuer, then test the connection again.".to_owned(),
                    since: moment(issuer.created_at),
                })
                .collect(),
            may_administer: self.may_administer(),
        })
    }
}

fn is_failing(health: &IssuerHealth) -> bool {
    matches!(
        health,
        IssuerHealth::Failing { .. } | IssuerHealth::BreakerOpen { .. }
    )
}

fn issued<'a>(
    issuer: &'a Issuer,
    credentials: &'a [CredentialFacts],
) -> impl Iterator<Item = &'a CredentialFacts> {
    credentials
        .iter()
        .filter(|facts| facts.credential.issuer == issuer.name)
}

fn line(issuer: &Issuer, credentials: &[CredentialFacts]) -> IssuerLine {
    IssuerLine {
        name: issuer.name.to_string(),
        kind: kind_in_words(&issuer.kind),
        environment: issuer.environment.to_string(),
        address: address(issuer),
        credentials: count(issued(issuer, credentials).count()),
        health: match (issuer.breaker.opened_at, issuer.breaker.consecutive_errors) {
            (Some(at), errors) => IssuerHealth::BreakerOpen {
                since: moment(at),
                error: format!("{errors} errors in a row"),
            },
            (None, 0) => IssuerHealth::Reached {
                at: moment(issuer.created_at),
            },
            (None, errors) => IssuerHealth::Failing {
                since: moment(issuer.created_at),
                error: super::words::counted(errors as usize, "error in a row"),
            },
        },
        sandbox: issuer.sandbox,
    }
}

/// The kind as people call it.
pub(super) fn kind_in_words(kind: &str) -> String {
    match kind {
        api::issuer::KIND_POSTGRESQL => "PostgreSQL".to_owned(),
        api::issuer::KIND_HTTP_API_KEY => "HTTP API".to_owned(),
        other => other.to_owned(),
    }
}

/// Host and port, or the base address.
pub(super) fn address(issuer: &Issuer) -> String {
    let text = |name: &str| issuer.config.get(name).and_then(Value::as_str);
    match (text("base_url"), text("host")) {
        (Some(base_url), _) => base_url.to_owned(),
        (None, Some(host)) => match issuer.config.get("port").and_then(Value::as_u64) {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        },
        (None, None) => String::new(),
    }
}

/// Settings in reading order; the configuration holds no secret.
fn settings(issuer: &Issuer) -> Vec<(String, String)> {
    let Value::Object(config) = &issuer.config else {
        return Vec::new();
    };
    let shown = |value: &Value| match value {
        Value::String(text) if text.contains("BEGIN CERTIFICATE") => "a certificate".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(request) => {
            let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
            format!("{} {}", text("method"), text("path"))
        }
        other => other.to_string(),
    };
    let admin = issuer
        .admin_username
        .clone()
        .map(|name| ("administrator".to_owned(), name));
    config
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.replace('_', " "), shown(value)))
        .chain(admin)
        .collect()
}

/// A page of a list of the catalog, by name.
pub(super) fn listed<T, const N: usize>(
    lines: Vec<T>,
    query: &CatalogQuery,
    texts: impl Fn(&T) -> [&String; N],
    environment: impl Fn(&T) -> &String,
) -> Listing<T> {
    let unfiltered_total = count(lines.len());
    let text = query.text.as_deref().map(str::to_lowercase);
    let chosen: Vec<T> = lines
        .into_iter()
        .filter(|line| {
            query
                .environment
                .as_ref()
                .is_none_or(|wanted| environment(line) == wanted)
        })
        .filter(|line| {
            text.as_deref().is_none_or(|wanted| {
                texts(line)
                    .iter()
                    .any(|text| text.to_lowercase().contains(wanted))
            })
        })
        .collect();
    let total = chosen.len();
    let start = query
        .cursor
        .as_deref()
        .and_then(|cursor| cursor.parse::<usize>().ok())
        .unwrap_or(0);
    let items: Vec<T> = chosen.into_iter().skip(start).take(PAGE).collect();
    let next = start + items.len();
    Listing {
        next_cursor: (next < total).then(|| next.to_string()),
        items,
        total: count(total),
        unfiltered_total,
    }
}
