use api::issuer::{KIND_HTTP_API_KEY, KIND_POSTGRESQL};
use serde_json::json;

use super::*;

fn body(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(pairs);
    body.finish().into_bytes()
}

fn read<F: serde::de::DeserializeOwned>(pairs: &[(&str, &str)]) -> F {
    Posted::parse(&body(pairs)).read().unwrap()
}

/// Posts what a form shows, as a browser would, with secrets typed.
fn posted_again<F: Form + serde::de::DeserializeOwned>(values: &Values, typed: &[(&str, &str)]) -> F {
    let mut pairs: Vec<(&str, &str)> = values
        .iter()
        .filter(|(name, _)| !typed.iter().any(|(given, _)| given == name))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    pairs.extend(typed);
    read(&pairs)
}

fn all_are_fields<F: Form>(errors: &FieldErrors) {
    for field in errors.fields() {
        assert!(F::FIELDS.contains(&field), "{field} is drawn by no page");
    }
}

#[test]
fn a_body_is_read_with_its_lists_and_line_ends() {
    let form: CredentialForm = read(&[
        ("consumers", "checkout"),
        ("consumers", "returns"),
        ("purpose", "one\r\ntwo"),
        ("unknown", "x"),
    ]);
    assert_eq!(form.consumers, ["checkout", "returns"]);
    assert_eq!(form.purpose, "one\ntwo");
    assert!(form.consumers.join("\n") == form.values()["consumers"]);
    assert_eq!(Posted::parse(b"action=a&action=b").action(), "b");
    let _: SignInForm = Posted::parse(b"%ff=%ff&&=").read().unwrap();
}

#[test]
fn secrets_are_neither_printed_nor_handed_back() {
    let typed = [
        ("kind", KIND_POSTGRESQL),
        ("username", "root"),
        ("password", "hunter2"),
        ("token", "hunter2"),
    ];
    let posted = Posted::parse(&body(&typed));
    assert!(!format!("{posted:?}").contains("hunter2"));
    let form: IssuerForm = posted.read().unwrap();
    assert!(!format!("{form:?} {:?}", form.values()).contains("hunter2"));
    assert!(IssuerForm::FIELDS.contains(&"password") && !form.values().contains_key("password"));
    let form: CredentialForm = read(&[("initial_password", "hunter2")]);
    assert!(!format!("{form:?} {:?}", form.values()).contains("hunter2"));
    let form: SignInForm = read(&[("password", "hunter2")]);
    assert!(!format!("{form:?} {:?}", form.values()).contains("hunter2"));
}

#[test]
fn spans_are_read_as_people_write_them() {
    for (typed, seconds) in [
        ("90 days", 90 * 86_400),
        ("P90D", 90 * 86_400),
        ("pt30s", 30),
        ("1 day 12 hours", 129_600),
        ("1d12h", 129_600),
        ("2 hours and 5 min", 7_500),
        (" 30 Minutes ", 1_800),
        ("2 weeks, 1 day", 15 * 86_400),
    ] {
        let span = duration::parse(typed).unwrap();
        assert_eq!(span.as_seconds(), seconds, "{typed}");
        assert_eq!(duration::parse(&duration::write(span)), Ok(span), "{typed}");
    }
    for typed in [
        "",
        "90",
        "days",
        "3 months",
        "P1Y",
        "1 day x",
        "-1 day",
        "99999999999999 days",
        "1.5 days",
        "一 日",
    ] {
        assert!(duration::parse(typed).is_err(), "{typed}");
    }
}

#[test]
fn an_issuer_comes_back_as_it_was_typed() {
    let blank = IssuerForm::blank(KIND_POSTGRESQL).values();
    let typed = [
        ("name", "orders-db"),
        ("environment", "production"),
        ("host", "10.0.0.7"),
        ("database", "orders"),
        ("username", "rota_admin"),
        ("password", "s3cret"),
    ];
    let form: IssuerForm = posted_again(&blank, &typed);
    let request = form.to_request().unwrap();
    assert_eq!(
        request.config,
        json!({"host": "10.0.0.7", "port": 5432, "database": "orders", "sslmode": "verify-full"})
    );
    assert_eq!(request.admin["password"].expose_secret(), "s3cret");

    let stored = issuer(KIND_POSTGRESQL, &request.config);
    let form: IssuerForm = posted_again(&IssuerForm::of(&stored).values(), &[]);
    let update = form.to_update().unwrap();
    assert_eq!(update.config, Some(request.config));
    assert!(update.admin.is_none(), "left blank, the administrator stays");
    let form: IssuerForm = posted_again(&IssuerForm::of(&stored).values(), &[("username", "other")]);
    assert!(form.to_update().unwrap_err().get("password").is_some());
}

#[test]
fn an_http_issuer_s_examples_are_a_valid_configuration_and_come_back() {
    let blank = IssuerForm::blank(KIND_HTTP_API_KEY).values();
    let typed = [
        ("name", "stripe"),
        ("environment", "production"),
        ("base_url", "https://api.example"),
        ("token", "t"),
        ("allow_private_network", "true"),
    ];
    let form: IssuerForm = posted_again(&blank, &typed);
    let request = form.to_request().unwrap();
    assert_eq!(request.config["create"]["id_pointer"], "/id");
    assert_eq!(request.config["list"]["items_pointer"], "/keys");
    let stored = issuer(KIND_HTTP_API_KEY, &request.config);
    let form: IssuerForm = posted_again(&IssuerForm::of(&stored).values(), &[("token", "t")]);
    assert_eq!(form.to_update().unwrap().config, Some(request.config));
}

#[test]
fn what_is_wrong_with_an_issuer_stands_beside_its_field() {
    let empty: IssuerForm = read(&[("kind", KIND_POSTGRESQL), ("port", "a"), ("sslmode", "prefer")]);
    let errors = empty.to_request().unwrap_err();
    all_are_fields::<IssuerForm>(&errors);
    for field in [
        "name",
        "environment",
        "host",
        "port",
        "database",
        "sslmode",
        "username",
        "password",
    ] {
        assert!(errors.get(field).is_some(), "{field}");
    }
    assert!(
        read::<IssuerForm>(&[])
            .to_request()
            .unwrap_err()
            .get("kind")
            .is_some()
    );

    let blank = IssuerForm::blank(KIND_HTTP_API_KEY).values();
    for (field, typed) in [
        ("create_request", "{"),
        ("create_request", "[]"),
        ("create_request", r#"{"method": "POST"}"#),
        ("test_request", r#"{"method": "GET", "path": "/", "wrong": 1}"#),
        ("revoke_request", ""),
        ("list_request", r#"{"method": 3, "path": "/"}"#),
        ("forbidden_request", "x"),
        ("create_id_pointer", "id"),
        ("list_label_pointer", ""),
        ("base_url", ""),
        ("token", ""),
    ] {
        let rest = [
            ("name", "a"),
            ("environment", "b"),
            ("base_url", "https://a"),
            ("token", "t"),
        ];
        let mut pairs: Vec<_> = rest.into_iter().filter(|(name, _)| *name != field).collect();
        pairs.push((field, typed));
        let form: IssuerForm = posted_again(&blank, &pairs);
        let errors = form.to_request().unwrap_err();
        all_are_fields::<IssuerForm>(&errors);
        assert_eq!(errors.fields().collect::<Vec<_>>(), [field], "{typed}");
    }
}

#[test]
fn a_credential_comes_back_as_it_was_typed() {
    let blank = CredentialForm::blank("orders-db", KIND_POSTGRESQL, "production").values();
    let typed = [
        ("name", "orders-app"),
        ("purpose", "writes orders"),
        ("role", "app"),
        ("consumers", "checkout\nreturns, checkout"),
        ("adopt", "true"),
        ("initial_username", "orders"),
        ("initial_password", "s3cret"),
        ("tags", "pci, orders"),
        ("review_every", "180 days"),
    ];
    let form: CredentialForm = posted_again(&blank, &typed);
    let request = form.to_request().unwrap();
    assert_eq!(request.consumers, ["checkout", "returns"]);
    assert_eq!(request.policy.waves, Some(vec![5, 25, 100]));
    assert_eq!(request.config, json!({"role": "app", "probe": "select 1"}));
    assert_eq!(
        request.initial.as_ref().unwrap()["password"].expose_secret(),
        "s3cret"
    );

    let stored = credential(&request);
    let form: CredentialForm = posted_again(&CredentialForm::of(&stored, KIND_POSTGRESQL).values(), &[]);
    let update = form.to_update().unwrap();
    assert_eq!(update.policy.as_ref(), Some(&request.policy));
    assert_eq!(update.config.as_ref(), Some(&request.config));
    assert_eq!(update.consumers.as_ref(), Some(&request.consumers));
    assert_eq!(update.tags, request.tags);
    assert_eq!(update.review_every, request.review_every);
    assert_eq!(update.age_thresholds, request.age_thresholds);
}

#[test]
fn what_is_wrong_with_a_credential_stands_beside_its_field() {
    let blank = CredentialForm::blank("orders-db", KIND_POSTGRESQL, "production").values();
    for (field, typed) in [
        ("name", ""),
        ("purpose", " "),
        ("role", ""),
        ("sensitivity", "huge"),
        ("strategy", ""),
        ("max_age", "soon"),
        ("grace", "3 months"),
        ("soak", "x"),
        ("waves", "a few"),
        ("approvals", "-1"),
        ("evidence", "hope"),
        ("max_hold", "x"),
        ("rollback_drain", "x"),
        ("review_every", "x"),
        ("yellow_from", ""),
        ("red_from", "1 minute"),
        ("environment", ""),
        ("issuer", ""),
        ("kind", ""),
    ] {
        let rest = [("name", "a"), ("purpose", "b"), ("role", "c")];
        let mut pairs: Vec<_> = rest.into_iter().filter(|(name, _)| *name != field).collect();
        pairs.push((field, typed));
        let form: CredentialForm = posted_again(&blank, &pairs);
        let errors = form.to_request().unwrap_err();
        all_are_fields::<CredentialForm>(&errors);
        assert_eq!(errors.fields().collect::<Vec<_>>(), [field], "{typed}");
    }
    let form: CredentialForm = posted_again(&blank, &[("adopt", "true")]);
    let errors = form.to_request().unwrap_err();
    assert!(errors.get("initial_username").is_some() && errors.get("initial_password").is_some());
}

#[test]
fn a_service_s_refusals_land_beside_their_fields() {
    let database = Values::from([("issuer_kind".into(), KIND_POSTGRESQL.into())]);
    let api = Values::from([
        ("issuer_kind".into(), KIND_HTTP_API_KEY.into()),
        ("kind".into(), KIND_HTTP_API_KEY.into()),
    ]);
    for (pointer, field) in [
        ("/policy/waves/0", "waves"),
        ("/policy/grace", "grace"),
        ("/config/role", "role"),
        ("/config", "role"),
        ("/initial/username", "initial_username"),
        ("/initial", "initial_username"),
        ("/consumers/3", "consumers"),
        ("/age_thresholds/red_from", "red_from"),
        ("/owner_team", "owner_team"),
    ] {
        assert_eq!(
            CredentialForm::field_of(pointer, &database),
            Some(field),
            "{pointer}"
        );
        assert!(CredentialForm::FIELDS.contains(&field));
    }
    assert_eq!(CredentialForm::field_of("/config/role", &api), Some("config"));
    for (pointer, field) in [
        ("/config/host", "host"),
        ("/config/sslmode", "sslmode"),
        ("/config/create/path", "create_request"),
        ("/config/list/items_pointer", "list_items_pointer"),
        ("/admin", "token"),
        ("/admin/username", "username"),
    ] {
        assert_eq!(IssuerForm::field_of(pointer, &api), Some(field), "{pointer}");
        assert!(IssuerForm::FIELDS.contains(&field));
    }
    assert_eq!(ConsumerForm::field_of("/labels/a~1b", &api), Some("labels"));

    let rules = [
        ("/policy/waves".to_owned(), "must rise".to_owned()),
        (
            "/somewhere".to_owned(),
            "the issuer could not be reached".to_owned(),
        ),
    ];
    let state = refused::<CredentialForm>(database, rules);
    assert_eq!(state.error("waves").as_deref(), Some("Must rise"));
    assert!(state.problem.unwrap().contains("The issuer could not be reached"));
}

#[test]
fn every_field_called_as_on_the_wire_is_drawn() {
    for pointer in [
        "name",
        "issuer",
        "environment",
        "kind",
        "purpose",
        "schedule_hold",
        "override_reason",
    ] {
        let field = CredentialForm::field_of(&format!("/{pointer}"), &Values::new()).unwrap();
        assert!(CredentialForm::FIELDS.contains(&field));
    }
    for pointer in [
        "max_age",
        "soak",
        "approvals",
        "evidence",
        "max_hold",
        "rollback_drain",
    ] {
        let field = CredentialForm::field_of(&format!("/policy/{pointer}"), &Values::new()).unwrap();
        assert!(CredentialForm::FIELDS.contains(&field));
    }
}

#[test]
fn small_forms_say_what_they_lack() {
    let form: ConsumerForm = read(&[("labels", "region=eu\n\nbroken\n")]);
    let errors = form.to_request().unwrap_err();
    all_are_fields::<ConsumerForm>(&errors);
    assert_eq!(errors.fields().count(), 4);
    let form: ConsumerForm = read(&[
        ("name", "a"),
        ("service", "b"),
        ("environment", "c"),
        ("labels", "region = eu \nteam=a=b"),
    ]);
    let request = form.to_request().unwrap();
    assert_eq!(request.labels["region"], "eu");
    assert_eq!(request.labels["team"], "a=b");

    assert!(
        read::<RotationForm>(&[("reason", " ")])
            .to_request()
            .unwrap_err()
            .get("reason")
            .is_some()
    );
    assert!(
        read::<RotationForm>(&[("reason", "x"), ("emergency", "true")])
            .to_request()
            .unwrap()
            .emergency
    );
    let resolve = read::<CommandForm>(&[("action", "resolve"), ("reason", "x")]);
    assert!(resolve.to_request().unwrap_err().get("outcome").is_some());
    assert!(
        read::<CommandForm>(&[("action", "explode"), ("reason", "x")])
            .to_request()
            .is_err()
    );
    let command = read::<CommandForm>(&[("action", "retire_now"), ("reason", "x")])
        .to_request()
        .unwrap();
    assert_eq!(command.0.as_str(), "retire_now");

    for until in [
        "2026-11-21T14:30",
        "2026-11-21 14:30",
        "2026-11-21T14:30:05",
        "2026-11-21T14:30:05+01:00",
    ] {
        let form: FreezeForm = read(&[("reason", "x"), ("until", until)]);
        assert!(form.to_request().unwrap().until.is_some(), "{until}");
    }
    let form: FreezeForm = read(&[("until", "tomorrow")]);
    assert_eq!(
        form.to_request().unwrap_err().fields().collect::<Vec<_>>(),
        ["reason", "until"]
    );

    let account = read::<AccountForm>(&[("name", "ada"), ("role", "operator")])
        .to_request()
        .unwrap();
    assert!(account.password.is_none(), "only a link opens it");
    assert!(
        read::<AccountForm>(&[("name", "ada"), ("role", "king")])
            .to_request()
            .unwrap_err()
            .get("role")
            .is_some()
    );
    let token = [
        ("name", "prometheus"),
        ("role", "viewer"),
        ("scope", "metrics"),
        ("expires_after", "90 days"),
    ];
    assert!(
        read::<TokenForm>(&token)
            .to_request()
            .unwrap()
            .expires_after
            .is_some()
    );
    assert_eq!(
        read::<TokenForm>(&[]).to_request().unwrap_err().fields().count(),
        3
    );
    assert!(
        read::<PasswordForm>(&[])
            .to_request()
            .unwrap_err()
            .get("new")
            .is_some()
    );
    assert!(
        read::<SignInForm>(&[("name", "ada")])
            .to_request()
            .unwrap_err()
            .get("password")
            .is_some()
    );
}

#[test]
fn signing_in_leads_only_to_this_server() {
    for (next, path) in [
        ("/credentials?q=a", "/credentials?q=a"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nSet-Cookie: b", "/"),
        ("", "/"),
    ] {
        assert_eq!(
            read::<SignInForm>(&[("next", next)]).destination(),
            path,
            "{next}"
        );
    }
}

fn issuer(kind: &str, config: &serde_json::Value) -> api::Issuer {
    serde_json::from_value(json!({
        "id": "1", "name": "a", "kind": kind, "environment": "production", "config": config,
        "revision": 4, "created_at": "2026-11-21T12:00:00Z",
    }))
    .unwrap()
}

fn credential(request: &api::CreateCredential) -> api::Credential {
    let mut stored = serde_json::to_value(request).unwrap();
    stored.as_object_mut().unwrap().remove("initial");
    for (member, value) in [
        ("id", json!("1")),
        ("age_seconds", json!(null)),
        ("age_band", json!("green")),
        ("policy_status", json!("on_time")),
        ("current_version", json!(null)),
        ("created_at", json!("2026-11-21T12:00:00Z")),
    ] {
        stored[member] = value;
    }
    serde_json::from_value(stored).unwrap()
}
