//! Settings: how this server runs, who may enter, what is frozen.

use app::reader::ReadError;
use app::views::credential::{FindingLine, Severity};
use app::views::settings::{
    ApiTokenLine, PersonLine, SettingLine, SettingsView, Thresholds, WrappingKeyLine,
};
use engine::Timestamp;
use engine::access::{Account, Token, TokenOwner, TokenScope};
use engine::audit::AuditEntry;
use engine::catalog::age::AgeThresholds;
use engine::delivery::live::INSTANCE_TTL;
use engine::ports::AuditFilter;
use engine::seal::WrappingKeyStatus;

use super::frame::{role, shown_freeze};
use super::words::moment;
use super::{PageReader, unavailable};

/// Of these, the latest of each person is shown.
const SIGN_INS: u32 = 500;

impl PageReader {
    pub(super) async fn read_settings(&self) -> Result<SettingsView, ReadError> {
        let services = &self.state.services;
        let now = self.now();
        let (people, tokens) = if self.may_administer() {
            (
                services.accounts(&self.actor).await.map_err(unavailable)?,
                services.program_tokens(&self.actor).await.map_err(unavailable)?,
            )
        } else {
            (Vec::new(), Vec::new())
        };
        let sign_ins = self.sign_ins().await?;
        let freezes = services.freezes(&self.actor).await.map_err(unavailable)?;
        let wrapping_keys = services
            .wrapping_key_status(&self.actor)
            .await
            .map_err(unavailable)?;
        let wrapping_key = wrapping_key_line(&wrapping_keys, now);
        let thresholds = AgeThresholds::default();
        Ok(SettingsView {
            running: self.running(),
            findings: self
                .standing_findings()
                .into_iter()
                .map(|words| FindingLine {
                    severity: Severity::Warning,
                    title: words,
                    remedy: "See docs/operations.md, root key.".to_owned(),
                    since: wrapping_key.since,
                })
                .collect(),
            thresholds: Thresholds {
                yellow_from: thresholds.yellow_from,
                red_from: thresholds.red_from,
                instance_ttl: INSTANCE_TTL,
            },
            people: people.iter().map(|account| person(account, &sign_ins)).collect(),
            tokens: tokens
                .iter()
                .filter(|token| token.is_valid(now))
                .filter_map(api_token)
                .collect(),
            freezes: freezes
                .iter()
                .filter(|freeze| freeze.is_on(now))
                .map(|freeze| shown_freeze(freeze, 0))
                .collect(),
            wrapping_key,
            may_administer: self.may_administer(),
            may_operate: self.may_operate(),
        })
    }

    /// The latest first: the audit is where signing in is kept.
    async fn sign_ins(&self) -> Result<Vec<AuditEntry>, ReadError> {
        let filter = AuditFilter {
            action: Some("account.sign_in".to_owned()),
            limit: SIGN_INS,
            ..AuditFilter::default()
        };
        let services = &self.state.services;
        services.audit(&self.actor, filter).await.map_err(unavailable)
    }

    fn running(&self) -> Vec<SettingLine> {
        let line = |name: &str, value: String, source: &str| SettingLine {
            name: name.to_owned(),
            value,
            source: source.to_owned(),
        };
        let root_key = if self.state.root_key_beside_database() {
            "in a file beside the database"
        } else {
            "apart from the database"
        };
        vec![
            line("Version", env!("CARGO_PKG_VERSION").to_owned(), "this binary"),
            line("Address", self.server_url(), "ROTA_PUBLIC_URL"),
            line(
                "Database",
                self.state.database.backend().label().to_owned(),
                "ROTA_DATABASE_URL",
            ),
            line(
                "Root key",
                root_key.to_owned(),
                "ROTA_ROOT_KEY_FILE, ROTA_ROOT_PASSPHRASE",
            ),
            line(
                "Sandbox",
                if self.state.sandbox { "on" } else { "off" }.to_owned(),
                "ROTA_SANDBOX",
            ),
        ]
    }
}

fn person(account: &Account, sign_ins: &[AuditEntry]) -> PersonLine {
    let object = format!("account/{}", account.name);
    let last = sign_ins.iter().find(|entry| entry.draft.object == object);
    PersonLine {
        name: account.name.to_string(),
        display_name: account.display_name.clone(),
        role: role(account.role),
        disabled: account.disabled_at.is_some(),
        has_password: account.password_hash.is_some(),
        last_sign_in: last.map(|entry| moment(entry.draft.at)),
    }
}

fn api_token(token: &Token) -> Option<ApiTokenLine> {
    let TokenOwner::Program { name, role: owned } = &token.owner else {
        return None;
    };
    let scope = match token.scope {
        TokenScope::Api => "api",
        TokenScope::Metrics => "metrics",
    };
    Some(ApiTokenLine {
        id: token.id.to_string(),
        name: name.to_string(),
        hint: token.hint.clone(),
        role: role(*owned),
        scopes: vec![scope.to_owned()],
        expires_at: token.expires_at.map(moment),
        last_used: None,
    })
}

/// Rota's own key, and the values of all hierarchies: they are rotated together here.
fn wrapping_key_line(keys: &[WrappingKeyStatus], now: Timestamp) -> WrappingKeyLine {
    let own = keys.first().map(|key| key.active);
    WrappingKeyLine {
        version: own.map_or(0, |active| u64::from(active.version)),
        since: moment(own.map_or(now, |active| active.since)),
        sealed_values: keys.iter().map(|key| key.sealed_values).sum(),
        to_rewrap: keys.iter().map(|key| key.to_rewrap).sum(),
    }
}
