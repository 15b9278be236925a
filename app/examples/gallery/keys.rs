//! Keys in every state.

use std::time::Duration as Length;

use app::views::credential::{FindingLine, NextRotation, Severity};
use app::views::key::{
    AlgorithmChoice, CensusPoint, CensusTarget, CensusView, DestructionLine, KeyFormView, KeyLine, KeyMove,
    KeyPolicyView, KeyState, KeyVerb, KeyVersionLine, KeyView, KeysView, PresentKey, RotateKey,
    VersionSeries,
};
use app::views::{Age, AgeBand, Listing, Point};
use time::Duration;

use crate::fixtures::{Scene, ago, now};

const NAMES: [&str; 5] = [
    "cards",
    "mail-bodies",
    "session-tokens",
    "invoices",
    "audit-export",
];

fn line(scene: Scene, index: u64) -> KeyLine {
    let suspended = index == 2;
    let (algorithm, purpose) = match index % 5 {
        1 => ("chacha20-poly1305", "encrypt"),
        2 => ("hmac-sha256", "authenticate"),
        3 => ("aes256-gcm-siv", "encrypt"),
        4 => ("ed25519", "sign"),
        _ => ("aes256-gcm", "encrypt"),
    };
    let plain = NAMES[index as usize % NAMES.len()];
    let plain = if index < 5 {
        plain.to_owned()
    } else {
        format!("{plain}-{index}")
    };
    KeyLine {
        name: scene.name(&plain),
        algorithm: algorithm.into(),
        purpose: purpose.into(),
        sensitivity: if index == 0 { "critical" } else { "medium" }.into(),
        environment: (index != 4).then(|| "production".into()),
        team: (index != 3).then(|| scene.person("Payments")),
        active: (!suspended).then_some(3 + index),
        age: (!suspended).then(|| Age {
            age: Length::from_secs(86_400 * (12 + index)),
            lifetime: Length::from_secs(86_400 * 30),
            band: if index == 3 {
                AgeBand::Stale
            } else {
                AgeBand::Ageing
            },
        }),
        next_rotation: match index {
            3 => NextRotation::ByHand,
            2 => NextRotation::Waits {
                reason: "its newest version is suspended".into(),
            },
            _ => NextRotation::At(now() + Duration::days(18)),
        },
        opening: if index == 4 { 0 } else { 2 },
        notes: match index {
            1 => vec!["version 3 is not drained".into()],
            3 => vec![
                "rotation waits for a freeze to end".into(),
                "destruction of version 2 waits for approval".into(),
            ],
            _ => Vec::new(),
        },
    }
}

pub(crate) fn list(scene: Scene) -> KeysView {
    let total = scene.of(5, 1_402);
    KeysView {
        listing: Listing {
            items: (0..scene.of(5, 50)).map(|index| line(scene, index)).collect(),
            total,
            unfiltered_total: total,
            next_cursor: (scene == Scene::Many).then(|| "50".into()),
        },
        suspended: scene.of(1, 3),
        may_operate: true,
    }
}

pub(crate) fn one(scene: Scene, name: &str) -> KeyView {
    let mut own = line(scene, 0);
    own.name = scene.name(name);
    KeyView {
        line: own,
        description: Some("Seals card numbers in the orders database.".into()),
        tags: vec![("system".into(), "orders".into()), ("pci".into(), "yes".into())],
        policy: KeyPolicyView {
            rotate_every: Some(Length::from_secs(30 * 86_400)),
            grace: Length::from_secs(7 * 86_400),
            max_uses: 1 << 31,
            exportable: false,
            minimum_version: 1,
            callers: vec![scene.name("orders"), "billing".into()],
        },
        versions: versions(scene),
        planned: Some(now() + Duration::days(18)),
        promoting: None,
        rotate: if scene == Scene::Hostile {
            RotateKey::NotDrained {
                next_version: 4,
                why: "Version 2 is not drained: 1,204 records in target `orders-cards`, last opened 4 s ago."
                    .into(),
            }
        } else {
            RotateKey::Ready { next_version: 4 }
        },
        census: census(scene),
        operations: operations(),
        has_alarm: true,
        findings: vec![FindingLine {
            severity: Severity::Critical,
            title: "Data under a version of it does not open".into(),
            remedy: "318 of the last 1,204 values under version 1 did not open; probably the version was revoked while data still needed it. Undo the revocation if it was a mistake, then clear the alarm.".into(),
            since: ago(Duration::hours(1)),
        }, FindingLine {
            severity: Severity::Warning,
            title: "1,204 records stand under version 1, which is revoked".into(),
            remedy: "Begin a re-encryption job over orders-cards.".into(),
            since: ago(Duration::days(2)),
        }],
        server_url: "https://rota.example".into(),
        may_operate: true,
        may_administer: true,
    }
}

fn versions(scene: Scene) -> Vec<KeyVersionLine> {
    let version = |number: u64, state, made: i64, since: i64| KeyVersionLine {
        number,
        state,
        imported: number == 1,
        created_at: ago(Duration::days(made)),
        activated_at: Some(ago(Duration::days(made))),
        state_since: ago(Duration::days(since)),
        reason: String::new(),
        destroy_at: None,
        destruction: None,
        destroyed_at: None,
        uses: 48_210 * number,
        opened_at: Some(ago(Duration::seconds(4))),
        dependents: Vec::new(),
        moves: Vec::new(),
    };
    let change = |verb, effect: &str| KeyMove {
        verb,
        effect: effect.to_owned(),
    };
    let mut first = version(1, KeyState::Revoked, 72, 2);
    first.reason = scene.person("It stood in a log of the staging cluster");
    first.destroy_at = Some(now() + Duration::days(28));
    first.destruction = Some(DestructionLine {
        asked_by: scene.person("ada"),
        reason: scene.person("It stood in a log of the staging cluster"),
        approved_by: (scene == Scene::Many).then(|| "bob".into()),
        lapsed: false,
        is_own: false,
    });
    first.dependents = vec![
        "1,204 records in target `orders-cards`".into(),
        "the registered copy `nightly-dump` until 3 December".into(),
    ];
    first.moves = vec![
        change(
            KeyVerb::UndoRevocation,
            "Callers may open what it sealed again, on every replica within a second. The planned destruction is called off.",
        ),
        change(
            KeyVerb::ApproveDestruction,
            "Its material is shredded on 31 December, unless somebody presses “Keep it” before.",
        ),
        change(KeyVerb::KeepMaterial, "It stays revoked and is not destroyed."),
    ];
    let mut second = version(2, KeyState::Deprecated, 42, 12);
    second.dependents = vec!["182,400 records in target `orders-cards`".into()];
    second.moves = vec![
        change(
            KeyVerb::Suspend,
            "Nobody opens what version 2 sealed until it is resumed: 182,400 records in 1 target.",
        ),
        change(
            KeyVerb::Revoke,
            "Nobody opens what version 2 sealed, on every replica within a second: 182,400 records in 1 target. Only a re-encryption job may still move them.",
        ),
    ];
    let mut third = version(3, KeyState::Active, 12, 12);
    third.moves = vec![
        change(
            KeyVerb::Suspend,
            "Nothing is sealed or opened with version 3 until it is resumed; whoever asks to seal gets 409.",
        ),
        change(
            KeyVerb::Revoke,
            "Version 4 is made and takes over in the same moment. What version 3 sealed opens for nobody but a re-encryption job.",
        ),
    ];
    vec![first, second, third]
}

fn census(scene: Scene) -> CensusView {
    let scans = (0..14)
        .map(|day: u64| CensusPoint {
            at: ago(Duration::days(13 - day as i64)),
            versions: vec![
                (1, 40_000_u64.saturating_sub(day * 2_984)),
                (2, 200_000 - day * 1_257),
                (3, day * 21_400),
            ],
        })
        .collect();
    CensusView {
        scans,
        targets: vec![
            CensusTarget {
                name: scene.name("orders-cards"),
                kind: "PostgreSQL table".into(),
                scanned_at: Some(ago(Duration::hours(3))),
                versions: vec![(1, 1_204), (2, 182_400), (3, 278_200)],
                malformed: 2,
            },
            CensusTarget {
                name: scene.name("card-cache"),
                kind: "Redis keys".into(),
                scanned_at: None,
                versions: Vec::new(),
                malformed: 0,
            },
        ],
    }
}

fn operations() -> Vec<VersionSeries> {
    let series = |version: u64, base: f64| VersionSeries {
        version,
        points: (0..30)
            .map(|index| Point {
                at: ago(Duration::seconds(300 - index * 10)),
                value: base + (index * 7 % 5) as f64,
            })
            .collect(),
    };
    vec![series(2, 14.0), series(3, 81.0)]
}

pub(crate) fn form(scene: Scene, name: Option<&str>) -> KeyFormView {
    let choice = |name: &str, purpose: &str, remark: &str| AlgorithmChoice {
        name: name.into(),
        purpose: purpose.into(),
        remark: remark.into(),
    };
    KeyFormView {
        algorithms: vec![
            choice(
                "aes256-gcm",
                "encrypt",
                "The usual choice: fast on every processor of the last ten years.",
            ),
            choice("aes256-gcm-siv", "encrypt", "Forgives a repeated nonce; slower."),
            choice("chacha20-poly1305", "encrypt", "Fast where AES has no hardware."),
            choice(
                "hmac-sha256",
                "authenticate",
                "Proves that a message is unchanged, to whoever may ask Rota.",
            ),
            choice(
                "ed25519",
                "sign",
                "Signatures that anybody checks with the public key.",
            ),
            choice(
                "ecdsa-p256",
                "sign",
                "Signatures where a standard asks for NIST curves.",
            ),
        ],
        environments: vec!["production".into(), "staging".into()],
        teams: vec!["Payments".into()],
        present: name.map(|name| PresentKey {
            name: scene.name(name),
            values: [
                ("description", "Seals card numbers in the orders database."),
                ("owner_team", "Payments"),
                ("rotate_every", "30 days"),
                ("grace", "7 days"),
                ("max_uses", "2147483648"),
                ("minimum_decryption_version", "1"),
                ("exportable", "true"),
                ("callers", "orders\nbilling"),
                ("revision", "7"),
            ]
            .map(|(field, value)| (field.to_owned(), value.to_owned()))
            .into(),
            fixed: "Its algorithm, aes256-gcm, and its class, critical,".into(),
            newest_version: 3,
            exportable: scene != Scene::Hostile,
        }),
    }
}
