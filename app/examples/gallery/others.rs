//! Issuers, consumers, expiries, needs, audit, settings.

use app::views::Listing;
use app::views::audit::{AuditLine, AuditView, ChainState};
use app::views::consumer::{ConsumerInstance, ConsumerLine, ConsumerView, ConsumersView, TokenLine};
use app::views::credential::{FindingLine, Severity};
use app::views::expiry::{ExpiriesQuery, ExpiriesView, ExpiryLine, YearMonth};
use app::views::frame::Role;
use app::views::issuer::{IssuerHealth, IssuerLine, IssuerView, IssuersView};
use app::views::need::NeedLine;
use app::views::overview::DayCount;
use app::views::settings::{
    ApiTokenLine, PersonLine, SettingLine, SettingsView, Thresholds, WrappingKeyLine,
};
use time::Duration;

use crate::credentials;
use crate::fixtures::{Scene, ago, freeze, now};

/// A page of a list with that many in all.
pub(crate) fn listing<T>(items: Vec<T>, total: u64) -> Listing<T> {
    Listing {
        next_cursor: (total > items.len() as u64).then(|| "x".into()),
        items,
        total,
        unfiltered_total: total,
    }
}

pub(crate) fn issuers(scene: Scene) -> IssuersView {
    IssuersView {
        failing: scene.of(2, 9),
        listing: listing(
            (0..scene.of(4, 50))
                .map(|index| issuer_line(scene, index))
                .collect(),
            scene.of(4, 240),
        ),
        may_administer: true,
    }
}

fn issuer_line(scene: Scene, index: u64) -> IssuerLine {
    let refused = "connection refused at 10.0.0.7:5432".to_owned();
    IssuerLine {
        name: scene.name(["orders-db", "stripe", "ledger-db", "search-api"][index as usize % 4]),
        kind: if index.is_multiple_of(2) {
            "PostgreSQL"
        } else {
            "HTTP API"
        }
        .into(),
        environment: "production".into(),
        address: if index.is_multiple_of(2) {
            "10.0.0.7:5432, orders"
        } else {
            "https://api.stripe.example"
        }
        .into(),
        credentials: 3,
        health: match index % 4 {
            0 => IssuerHealth::Reached {
                at: ago(Duration::seconds(30)),
            },
            1 => IssuerHealth::Unknown,
            2 => IssuerHealth::BreakerOpen {
                since: ago(Duration::hours(3)),
                error: refused,
            },
            _ => IssuerHealth::Failing {
                since: ago(Duration::minutes(7)),
                error: refused,
            },
        },
        sandbox: index == 1,
    }
}

pub(crate) fn issuer(scene: Scene, name: &str) -> IssuerView {
    let mut line = issuer_line(scene, 0);
    line.name = name.to_owned();
    IssuerView {
        line,
        config: vec![
            ("Host".into(), "10.0.0.7".into()),
            ("Port".into(), "5432".into()),
            ("Database".into(), "orders".into()),
            ("TLS".into(), "verify-full".into()),
        ],
        credentials: credentials::lines(scene, 3),
        findings: Vec::new(),
        may_administer: true,
    }
}

pub(crate) fn consumers(scene: Scene) -> ConsumersView {
    ConsumersView {
        live_instances: scene.of(20, 4_210),
        failing_instances: scene.of(1, 12),
        listing: listing(
            (0..scene.of(4, 50))
                .map(|index| consumer_line(scene, index))
                .collect(),
            scene.of(4, 800),
        ),
        may_operate: true,
    }
}

fn consumer_line(scene: Scene, index: u64) -> ConsumerLine {
    let name = ["checkout", "fulfilment", "returns", "orders-report"][index as usize % 4];
    ConsumerLine {
        name: scene.name(name),
        service: name.into(),
        environment: "production".into(),
        live_instances: 5,
        absent_instances: index % 3,
        failing_instances: u64::from(index == 1),
        credentials: 2,
        last_seen: (index != 3).then(|| ago(Duration::seconds(9))),
        sandbox: true,
    }
}

pub(crate) fn consumer(scene: Scene, name: &str) -> ConsumerView {
    let mut line = consumer_line(scene, 1);
    line.name = name.to_owned();
    let credential = credentials::one(scene, "orders-app");
    ConsumerView {
        line,
        labels: vec![("region".into(), "eu-central-1".into())],
        instances: credential
            .consumers
            .iter()
            .take(1)
            .flat_map(|group| group.instances.clone())
            .map(|instance| ConsumerInstance {
                credential: "orders-app".into(),
                instance,
            })
            .collect(),
        credentials: credentials::lines(scene, 2),
        tokens: vec![TokenLine {
            id: "01".into(),
            hint: "k3Rz".into(),
            created_at: ago(Duration::days(20)),
            expires_at: Some(now() + Duration::days(70)),
            last_used: Some(ago(Duration::seconds(9))),
        }],
        server_url: "https://rota.example".into(),
        may_operate: true,
    }
}

pub(crate) fn expiries(scene: Scene, query: ExpiriesQuery) -> ExpiriesView {
    let today = now().date();
    let lines = |number, first: i64| -> Vec<ExpiryLine> {
        credentials::lines(scene, number)
            .into_iter()
            .enumerate()
            .map(|(index, line)| ExpiryLine {
                credential: line.name,
                team: line.team,
                environment: line.environment,
                expires_at: now() + Duration::days(first + index as i64 * 2 % 9),
                status: line.status,
                next_rotation: line.next_rotation,
            })
            .collect()
    };
    let days = (0..9)
        .map(|index| DayCount {
            day: (now() + Duration::days(1 + index)).date(),
            count: scene.of(u64::from(index as u8 % 3), 40 * index as u64),
        })
        .filter(|day| day.count > 0)
        .collect();
    ExpiriesView {
        month: query.month.unwrap_or(YearMonth {
            year: today.year(),
            month: today.month(),
        }),
        today,
        late: lines(scene.of(1, 30), -4),
        late_total: scene.of(1, 88),
        days,
        items: lines(scene.of(6, 100), 1),
        items_total: scene.of(6, 1_440),
    }
}

pub(crate) fn needs(scene: Scene, number: u64) -> Vec<NeedLine> {
    (0..number)
        .map(|index| {
            let (severity, what, action) = match index % 3 {
                0 => (
                    Severity::Critical,
                    "could not be rolled back: version 12 was refused too.",
                    "Decide",
                ),
                1 => (Severity::Warning, "waits for a second approval.", "Review"),
                _ => (Severity::Warning, "has no owner since it was imported.", "Claim"),
            };
            NeedLine {
                severity,
                what: what.into(),
                subject: scene.name(["orders-app", "ledger-writer", "legacy-ftp"][index as usize % 3]),
                address: "/rotations/018f-2".into(),
                since: ago(Duration::hours(1 + index as i64 * 30)),
                who: scene.person("Orders"),
                next_action: action.into(),
            }
        })
        .collect()
}

pub(crate) fn audit(scene: Scene) -> AuditView {
    let number = scene.of(20, 100);
    AuditView {
        listing: Listing {
            items: (0..number)
                .map(|index| audit_line(scene, 48_213 - index))
                .collect(),
            total: scene.of(20, 48_213),
            unfiltered_total: scene.of(20, 48_213),
            next_cursor: (scene == Scene::Many).then(|| "x".into()),
        },
        actions: ["credential.updated", "delivery.first", "rotation.started"]
            .map(str::to_owned)
            .to_vec(),
        chain: match scene {
            Scene::Hostile => ChainState::Broken {
                sequence: 4_711,
                what: "its hash does not follow from entry 4,710".into(),
            },
            Scene::Empty => ChainState::NotVerified,
            _ => ChainState::Whole {
                entries: 48_213,
                verified_at: ago(Duration::minutes(4)),
                head: "9f2c4e…".into(),
            },
        },
    }
}

fn audit_line(scene: Scene, sequence: u64) -> AuditLine {
    AuditLine {
        sequence,
        at: ago(Duration::seconds((48_213 - sequence) as i64 * 37)),
        actor: scene.person("ada"),
        action: [
            "rotation.started",
            "version.stored",
            "delivery.first",
            "credential.updated",
        ][sequence as usize % 4]
            .into(),
        subject: scene.name("orders-app"),
        address: Some("/credentials/orders-app".into()),
        result: if sequence.is_multiple_of(9) {
            "refused"
        } else {
            "done"
        }
        .into(),
        detail: Some("version 13".into()),
        correlation_id: format!("018f3c7a-{sequence:04x}"),
        hash: format!("{sequence:08x}9f2c4e11"),
    }
}

pub(crate) fn settings(scene: Scene) -> SettingsView {
    SettingsView {
        running: vec![
            SettingLine {
                name: "Database".into(),
                value: "SQLite, rota.db".into(),
                source: "default".into(),
            },
            SettingLine {
                name: "Listens at".into(),
                value: "127.0.0.1:3000".into(),
                source: "ROTA_LISTEN".into(),
            },
        ],
        findings: if scene == Scene::Hostile {
            vec![FindingLine {
                severity: Severity::Warning,
                title: "The root key lies unsealed beside the database".into(),
                remedy: "Start with ROTA_ROOT_PASSPHRASE, or keep root.key on another file system and name it in ROTA_ROOT_KEY_FILE.".into(),
                since: ago(Duration::days(3)),
            }]
        } else {
            Vec::new()
        },
        thresholds: Thresholds {
            yellow_from: std::time::Duration::from_secs(3_600),
            red_from: std::time::Duration::from_secs(30 * 86_400),
            instance_ttl: std::time::Duration::from_secs(300),
        },
        people: vec![
            PersonLine {
                name: scene.person("ada"),
                display_name: scene.person("Ada Lovelace"),
                role: Role::Administrator,
                disabled: false,
                has_password: true,
                last_sign_in: Some(ago(Duration::hours(1))),
            },
            PersonLine {
                name: "grace".into(),
                display_name: "Grace".into(),
                role: Role::Operator,
                disabled: scene == Scene::Hostile,
                has_password: false,
                last_sign_in: None,
            },
        ],
        tokens: vec![ApiTokenLine {
            id: "01".into(),
            name: scene.name("prometheus"),
            hint: "x9Qf".into(),
            role: Role::Viewer,
            scopes: vec!["metrics".into()],
            expires_at: Some(now() + Duration::days(12)),
            last_used: Some(ago(Duration::seconds(15))),
        }],
        freezes: if scene == Scene::Hostile {
            vec![freeze()]
        } else {
            Vec::new()
        },
        wrapping_key: WrappingKeyLine {
            version: 3,
            since: ago(Duration::days(12)),
            sealed_values: 214,
            to_rewrap: 0,
        },
        may_administer: true,
        may_operate: true,
    }
}
