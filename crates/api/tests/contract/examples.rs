use api::{
    Ack, ConsumerCreated, CreateConsumer, CreateCredential, CreateFreeze, CreateIssuer, Credential, Delivery,
    Page, Problem, Rotation, RotationCommand, RotationEvent, RotationState, Secret, SignalBatch,
    StartRotation,
    audit::{AuditCheckpoint, AuditEntry},
    issuer::{HttpApiKeyConfig, PostgresqlConfig},
    key::{
        Batch, BatchItem, BatchReply, CreateKey, DataKey, Decrypt, Decrypted, Encrypt, Encrypted, Key,
        MakeDataKey, Rewrap, RotateKey, UpdateKeyVersion,
    },
    rotation::CommandRequest,
    secret::SecretMap,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Reads a request, writes it again, and tries it with one more field, which must be refused by name.
fn request<T: Serialize + DeserializeOwned>(example: Value) -> T {
    let parsed = round_trip::<T>(&example);
    let mut with_typo = example;
    with_typo["no_such_field"] = json!(1);
    let refused = serde_json::from_value::<T>(with_typo)
        .err()
        .expect("an unknown field must be refused");
    assert!(refused.to_string().contains("no_such_field"), "{refused}");
    parsed
}

/// Reads a reply, writes it again, and lets it grow by a field this client does not know.
fn reply<T: Serialize + DeserializeOwned>(example: Value) -> T {
    let parsed = round_trip::<T>(&example);
    let mut grown = example;
    grown["from_a_later_release"] = json!({"x": 1});
    serde_json::from_value::<T>(grown).expect("replies may grow");
    parsed
}

fn round_trip<T: Serialize + DeserializeOwned>(example: &Value) -> T {
    let parsed: T = serde_json::from_value(example.clone()).expect("the example must be understood");
    let written = serde_json::to_value(&parsed).expect("and written");
    assert_contains(&written, example, "");
    serde_json::from_value::<T>(written).expect("and read again");
    parsed
}

/// Everything in `part` stands in `whole`; absent members may have been given their defaults.
fn assert_contains(whole: &Value, part: &Value, pointer: &str) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, expected) in part {
                let found = whole
                    .get(name)
                    .unwrap_or_else(|| panic!("{pointer}/{name} was lost"));
                assert_contains(found, expected, &format!("{pointer}/{name}"));
            }
        }
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len(), "{pointer}");
            for (index, (found, expected)) in whole.iter().zip(part).enumerate() {
                assert_contains(found, expected, &format!("{pointer}/{index}"));
            }
        }
        _ => assert_eq!(whole, part, "{pointer}"),
    }
}

#[test]
fn issuers() {
    let issuer: CreateIssuer = request(json!({
        "name": "orders-db", "kind": "postgresql", "environment": "production",
        "config": {"host": "127.0.0.1", "port": 5432, "database": "orders", "sslmode": "verify-full", "ca_pem": "PEM"},
        "admin": {"username": "rota", "password": "hunter2"}
    }));
    assert!(!format!("{issuer:?}").contains("hunter2"));
    let _: PostgresqlConfig = request(issuer.config);
    let least: PostgresqlConfig = request(json!({"host": "db", "database": "orders"}));
    assert_eq!(
        serde_json::to_value(least).unwrap()["sslmode"],
        "verify-full",
        "the default is the strict one"
    );
    let _: HttpApiKeyConfig = request(json!({
        "base_url": "http://127.0.0.1:4000", "allow_private_network": true,
        "create": {"method": "POST", "path": "/keys", "headers": {"authorization": "Bearer {{admin_token}}"},
                   "body": {"label": "{{label}}"}, "id_pointer": "/id", "secret_pointer": "/secret"},
        "test": {"method": "GET", "path": "/orders", "headers": {"x-api-key": "{{key}}"}},
        "revoke": {"method": "DELETE", "path": "/keys/{{key_id}}"},
        "list": {"method": "GET", "path": "/keys", "items_pointer": "/keys", "id_pointer": "/id", "label_pointer": "/label"}
    }));
}

#[test]
fn consumers() {
    let _: CreateConsumer = request(json!({
        "name": "orders", "service": "orders", "environment": "production", "labels": {"team": "shop"}
    }));
    let created: ConsumerCreated = reply(json!({
        "id": "0190", "name": "orders", "service": "orders", "environment": "production", "labels": {},
        "created_at": "2026-11-21T12:00:00Z", "token": "rota_c_secret"
    }));
    assert!(!format!("{created:?}").contains("rota_c_secret"));
}

#[test]
fn credentials() {
    let created: CreateCredential = request(json!({
        "name": "orders-app", "kind": "database_password", "issuer": "orders-db", "owner_team": "shop",
        "backup_contact": "ops@example.com", "purpose": "the shop reads and writes orders",
        "sensitivity": "critical", "environment": "production", "strategy": "alternating",
        "config": {"role": "app", "probe": "select 1"}, "consumers": ["orders"], "tags": ["pci"],
        "review_every": "P90D",
        "policy": {"max_age": "P30D", "grace": "PT1H", "soak": "PT30S", "waves": [5, 25, 100], "approvals": 0,
                   "evidence": "signals"},
        "initial": {"username": "app_login", "password": "hunter2"}
    }));
    assert!(!format!("{created:?}").contains("hunter2"));
    let refused = serde_json::from_value::<CreateCredential>(json!({
        "name": "x", "kind": "database_password", "issuer": "x", "purpose": "x", "sensitivity": "low",
        "environment": "x", "strategy": "dual", "policy": {"max_age": "P1M"}
    }));
    assert!(
        refused.unwrap_err().to_string().contains("P30D"),
        "the message says how to mend it"
    );
    let credential: Credential = reply(json!({
        "id": "0190", "name": "orders-app", "kind": "database_password", "issuer": "orders-db", "owner_team": "shop",
        "purpose": "p", "sensitivity": "low", "environment": "production", "strategy": "in_place",
        "policy": {"max_age": "P30D", "grace": "PT1H", "soak": "PT30S", "waves": [100], "approvals": 0},
        "age_seconds": 12, "age_band": "green", "policy_status": "on_time", "current_version": 1,
        "versions": [{"number": 1, "state": "current", "created_at": "2026-11-21T12:00:00.5Z"}],
        "created_at": "2026-11-21T12:00:00Z"
    }));
    let before_the_first = json!({"age_seconds": null, "current_version": null});
    let mut without = serde_json::to_value(credential).unwrap();
    for name in ["age_seconds", "current_version"] {
        without[name] = Value::Null;
    }
    assert_contains(
        &serde_json::to_value(round_trip::<Credential>(&without)).unwrap(),
        &before_the_first,
        "",
    );
}

fn rotation_example() -> Value {
    json!({
        "id": "0190", "credential": "orders-app", "state": "wave", "wave": {"number": 1, "of": 3, "percent": 5},
        "from_version": 1, "to_version": 2,
        "steps": [{"name": "rehearse", "state": "succeeded", "started_at": "2026-11-21T12:00:00Z",
                   "finished_at": null, "detail": null}],
        "reason": "quarterly", "started_at": "2026-11-21T12:00:00Z", "started_by": "account:ada",
        "hold": {"reason": "no outcome has arrived", "since": "2026-11-21T12:01:00Z"},
        "way_back": {"version": 1, "last_proved_at": "2026-11-21T12:00:00Z"},
        "fleet": [{"consumer": "orders", "service": "orders", "instance": "orders-1", "version": 2, "cohort": true,
                   "health": "good", "last_seen_at": "2026-11-21T12:00:01Z"}],
        "rates": {"candidate": {"good": 9, "failed": 1}, "control": {"good": 90, "failed": 0}},
        "allowed_commands": ["pause", "rollback", "promote", "retire_now"], "reason_for_rollback": "refused"
    })
}

#[test]
fn rotations() {
    let _: StartRotation = request(json!({"reason": "leaked", "emergency": true}));
    let _: CommandRequest = request(json!({"reason": "seen by eye", "outcome": "completed"}));
    let rotation: Rotation = reply(rotation_example());
    assert_eq!(rotation.state, RotationState::Wave);
    for command in "approve|reject|pause|resume|rollback|promote|cancel|retry|resolve|retire_now".split('|') {
        let parsed: RotationCommand = command.parse().unwrap();
        assert_eq!(parsed.to_string(), command);
        assert_eq!(serde_json::to_value(parsed).unwrap(), command);
    }
    assert_eq!(RotationCommand::ALL.len(), 10);
    assert!("explode".parse::<RotationCommand>().is_err());
    for state in
        "planned awaiting_approval rehearsed stored issued verified wave promoted grace retiring completed \
                  paused rolling_back rolled_back cancelled needs_operator"
            .split_whitespace()
    {
        round_trip::<RotationState>(&json!(state));
    }
}

#[test]
fn events() {
    let rotation: Rotation = serde_json::from_value(rotation_example()).unwrap();
    let step = rotation.steps[0].clone();
    for event in [
        RotationEvent::Step(step),
        RotationEvent::State(Box::new(rotation)),
    ] {
        let data = event.data().unwrap();
        assert!(!data.contains('\n'), "one data line");
        assert_eq!(RotationEvent::parse(event.name(), &data).unwrap(), Some(event));
    }
    assert_eq!(RotationEvent::parse("later", "{}").unwrap(), None);
    assert!(RotationEvent::parse("state", "{}").is_err());
}

#[test]
fn delivery_and_signals() {
    let delivery: Delivery = reply(json!({
        "version": 2,
        "values": {"username": "app_b", "password": "hunter2", "host": "db", "port": 5432, "database": "orders",
                   "sslmode": "verify-full"},
        "previous": {"version": 1, "values": {"username": "app_a", "password": "hunter1"}},
        "refresh_after_seconds": 60
    }));
    assert_eq!(delivery.values["port"].expose_text(), "5432");
    assert_eq!(delivery.values["password"].expose_text(), "hunter2");
    assert!(!format!("{delivery:?}").contains("hunter"));
    let refused = serde_json::from_value::<Delivery>(
        json!({"version": 1, "values": {"password": ["hunter2"]}, "refresh_after_seconds": 1}),
    );
    assert!(!refused.unwrap_err().to_string().contains("hunter2"));

    let _: Ack = request(json!({"version": 2, "status": "loaded"}));
    let _: Ack = request(json!({"version": 2, "status": "failed", "error": "cannot parse"}));
    let batch: SignalBatch = request(json!({"signals": [
        {"credential": "orders-app", "version": 2, "status": 401, "class": "auth", "count": 3, "duration_ms": 12,
         "at": "2026-11-21T12:00:00Z"}
    ]}));
    assert!(batch.signals[0].is_authentication_failure());
    let least: SignalBatch = request(json!({"signals": [{"credential": "c", "version": 1, "status": 200}]}));
    assert_eq!(least.signals[0].count, 1);
    for (status, class, counts) in [
        (403, None, true),
        (200, Some("auth"), true),
        (500, Some("error"), false),
        (503, None, false),
        (404, None, false),
        (200, Some("ok"), false),
    ] {
        let mut signal = json!({"credential": "c", "version": 1, "status": status});
        if let Some(class) = class {
            signal["class"] = json!(class);
        }
        let signal: api::Signal = serde_json::from_value(signal).unwrap();
        assert_eq!(signal.is_authentication_failure(), counts, "{status} {class:?}");
    }
}

#[test]
fn keys() {
    let _: CreateKey = request(json!({"name": "orders", "algorithm": "aes256-gcm"}));
    let _: Key = reply(json!({
        "id": "0190", "name": "orders", "algorithm": "aes256-gcm", "created_at": "2026-11-21T12:00:00Z",
        "versions": [{"number": 1, "state": "active", "created_at": "2026-11-21T12:00:00Z", "uses": 7}]
    }));
    let _: RotateKey = request(json!({"reason": "yearly", "confirm": true}));
    for state in [
        "pre_active",
        "active",
        "deprecated",
        "suspended",
        "revoked",
        "destroyed",
    ] {
        let _: UpdateKeyVersion = request(json!({"state": state, "reason": "r"}));
    }
    let encrypt: Encrypt = request(json!({"plaintext": "aHVudGVyMg==", "context": "row 7"}));
    assert!(!format!("{encrypt:?}").contains("aHVudGVyMg"));
    let _: Encrypted = reply(json!({"ciphertext": "AAEC", "version": 1}));
    let _: Decrypt = request(json!({"ciphertext": "AAEC"}));
    let _: Decrypted = reply(json!({"plaintext": "aHVudGVyMg==", "version": 1}));
    let _: Rewrap = request(json!({"ciphertext": "AAEC"}));
    let _: MakeDataKey = request(json!({"context": "row 7"}));
    let _: DataKey = reply(json!({"plaintext": "AA==", "ciphertext": "AAEC", "version": 1}));
    let _: Batch<Encrypt> =
        request(json!({"batch": [{"plaintext": "AA=="}, {"plaintext": "AA==", "context": "c"}]}));
    let replies: BatchReply<Encrypted> = reply(json!({"items": [
        {"ciphertext": "AAEC", "version": 1}, {"error": {"code": "ciphertext_invalid", "detail": "truncated"}}
    ]}));
    assert!(matches!(
        &replies.items[..],
        [BatchItem::Done(_), BatchItem::Failed { .. }]
    ));
}

#[test]
fn audit_freezes_problems_and_pages() {
    let _: Page<AuditEntry> = reply(json!({"items": [{
        "sequence": 1, "at": "2026-11-21T12:00:00Z", "actor": "account:ada", "action": "rotation.start",
        "object": "credential/orders-app", "outcome": "ok", "detail": "by hand", "hash": "ab", "previous_hash": "00"
    }], "next_cursor": null}));
    let _: AuditCheckpoint = reply(json!({"sequence": 1, "hash": "ab", "at": "2026-11-21T12:00:00Z"}));
    let _: CreateFreeze =
        request(json!({"environment": "production", "reason": "sale", "until": "2026-11-22T00:00:00Z"}));
    let _: CreateFreeze = request(json!({"reason": "sale"}));
    let problem: Problem = reply(json!({
        "type": "/problems/rotation_in_progress", "title": "A rotation is in progress", "status": 409,
        "detail": "wait for it or roll it back", "code": "rotation_in_progress", "rotation": "0190",
        "errors": [{"pointer": "/policy/waves", "detail": "the last must be 100"}]
    }));
    assert_eq!(problem.extensions["rotation"], "0190");
    let built = Problem::new(409, "rotation_in_progress", "A rotation is in progress")
        .with_extension("rotation", "0190")
        .with_extension("status", 200);
    assert_eq!(serde_json::to_value(built).unwrap()["status"], 409);
    let page: Page<Value> = reply(json!({"items": [], "next_cursor": null}));
    assert_eq!(
        serde_json::to_string(&page).unwrap(),
        r#"{"items":[],"next_cursor":null}"#
    );
}

#[test]
fn a_secret_prints_as_stars_whatever_holds_it() {
    let map = SecretMap::from([("password".to_owned(), Secret::new("hunter2"))]);
    assert_eq!(format!("{map:?}"), r#"{"password": ***}"#);
    assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"password":"hunter2"}"#);
}

#[cfg(feature = "openapi")]
#[test]
fn schemas_say_what_the_wire_carries() {
    use utoipa::PartialSchema;
    let schema =
        |schema: utoipa::openapi::RefOr<utoipa::openapi::Schema>| serde_json::to_value(schema).unwrap();
    let expected = [
        (
            schema(api::Timestamp::schema()),
            json!({"type": "string", "format": "date-time"}),
        ),
        (
            schema(api::IsoDuration::schema()),
            json!({"type": "string", "format": "duration"}),
        ),
        (
            schema(Secret::schema()),
            json!({"type": "string", "format": "password"}),
        ),
        (schema(RotationCommand::schema()), json!({"type": "string"})),
    ];
    for (found, expected) in expected {
        assert_contains(&found, &expected, "");
    }
    let start = schema(StartRotation::schema());
    assert_eq!(
        start["additionalProperties"], false,
        "unknown fields are refused, and the document says so"
    );
    assert_eq!(start["required"], json!(["reason"]));
}
