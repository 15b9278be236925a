//! Where requests may not go, and which templates are refused.

use std::sync::Arc;

use engine::rotation::ErrorClass;
use serde_json::{Value, json};

use crate::fixture::{Seeded, Still};
use crate::key_service::KeyService;

/// The pointers of the rules that a configuration breaks.
fn broken(config: &Value) -> Vec<String> {
    let connectors = connectors::all(Arc::new(Seeded::default()), Arc::new(Still));
    let connector = connectors.of("http_api_key").unwrap();
    connector.check_issuer(config).map_or_else(
        |errors| errors.into_iter().map(|error| error.pointer).collect(),
        |_| Vec::new(),
    )
}

#[test]
fn addresses_inside_are_refused_when_they_are_configured() {
    for host in [
        "127.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0xa9fea9fe",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "[::]",
    ] {
        for scheme in ["http", "https"] {
            let mut config = KeyService::config(1, true);
            config["base_url"] = json!(format!("{scheme}://{host}/v1"));
            config["allow_private_network"] = json!(false);
            assert!(
                broken(&config).contains(&"/config/base_url".to_owned()),
                "{scheme}://{host}"
            );
        }
    }
    let mut config = KeyService::config(1, true);
    for always in [
        "https://169.254.169.254/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:a9fe:a9fe]/",
    ] {
        config["base_url"] = json!(always);
        assert_eq!(
            broken(&config),
            ["/config/base_url"],
            "{always}, even with allow_private_network"
        );
    }
}

#[tokio::test]
async fn names_that_resolve_inside_are_refused_when_they_are_called() {
    let service = KeyService::start().await;
    for name in ["localhost", "LocalHost", "localhost.", "ip6-localhost"] {
        let mut config = KeyService::config(service.port, true);
        config["base_url"] = json!(format!("http://{name}:{}/v1", service.port));
        config["allow_plaintext"] = json!(true);
        config["allow_private_network"] = json!(false);
        let error = KeyService::fixture_of(&config)
            .inspect_issuer()
            .await
            .unwrap_err();
        if !name.eq_ignore_ascii_case("localhost") && error.class == ErrorClass::Network {
            // Not every machine knows this name.
            continue;
        }
        assert_eq!(error.class, ErrorClass::Policy, "{name}: {error}");
        assert!(error.detail.contains("allow_private_network"), "{error}");
    }
    assert_eq!(service.urls().len(), 0, "nothing was sent");
    let mut config = KeyService::config(service.port, true);
    config["base_url"] = json!(format!("http://localhost:{}/v1", service.port));
    KeyService::fixture_of(&config).inspect_issuer().await.unwrap();
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let service = KeyService::start().await;
    let fixture = service.fixture(true);
    let inside = format!("http://127.0.0.1:{}/v1/trap", service.port);
    for (status, location) in [
        (301, inside.as_str()),
        (302, "http://169.254.169.254/latest/meta-data/"),
        (307, inside.as_str()),
        (308, "http://localhost/"),
    ] {
        service.answer(status, vec![("location", location.to_owned())], "");
        let error = fixture.inspect_issuer().await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Policy);
        assert!(error.detail.contains("redirects are not followed"), "{error}");
    }
    assert!(
        service.urls().iter().all(|url| url == "/v1/keys"),
        "{:?}",
        service.urls()
    );
}

#[test]
fn templates_that_leak_or_prove_nothing_are_refused() {
    let good = KeyService::config(1, true);
    assert_eq!(broken(&good), Vec::<String>::new());
    let with = |pointer: &str, value: Value| {
        let mut config = good.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[field] = value;
        config
    };
    for (place, value, pointer) in [
        ("/base_url", json!("ftp://api.example"), "/config/base_url"),
        ("/base_url", json!("file:///etc/passwd"), "/config/base_url"),
        (
            "/base_url",
            json!("https://user:pass@api.example"),
            "/config/base_url",
        ),
        ("/base_url", json!("https://api.example/?a=b"), "/config/base_url"),
        ("/base_url", json!("http://api.example"), "/config/base_url"),
        ("/base_url", json!("not a url"), "/config/base_url"),
        ("/test/path", json!("/orders?key={{key}}"), "/config/test/path"),
        (
            "/list/path",
            json!("/keys?token={{admin_token}}"),
            "/config/list/path",
        ),
        ("/list/path", json!("keys"), "/config/list/path"),
        ("/list/path", json!("/keys#x"), "/config/list/path"),
        ("/list/path", json!("/ke ys\r\n"), "/config/list/path"),
        ("/list/path", json!("/{{secret}}"), "/config/list/path"),
        ("/list/method", json!("CONNECT"), "/config/list/method"),
        (
            "/list/headers",
            json!({"x": "a\r\nb: c"}),
            "/config/list/headers/x",
        ),
        (
            "/list/headers",
            json!({"Host": "other.example"}),
            "/config/list/headers/Host",
        ),
        (
            "/list/headers",
            json!({"bad name": "x"}),
            "/config/list/headers/bad name",
        ),
        (
            "/list/items_pointer",
            json!("items"),
            "/config/list/items_pointer",
        ),
        ("/list/expect_status", json!([302]), "/config/list/expect_status"),
        ("/create/body", json!({"label": "{{label"}), "/config/create/body"),
        ("/create/body", json!({"key": "{{key}}"}), "/config/create"),
        ("/create/body", json!({"label": "{{label}}"}), "/config/create"),
        (
            "/create/body",
            json!({"label": "{{label}}", "key": "{{key}}", "x": "x".repeat(70_000)}),
            "/config/create/body",
        ),
        (
            "/test/headers",
            json!({"authorization": "Bearer {{admin_token}}"}),
            "/config/test",
        ),
        ("/revoke/path", json!("/keys"), "/config/revoke"),
        ("/surprise", json!(1), "/config/surprise"),
        ("/ca_pem", json!("no certificate"), "/config/ca_pem"),
    ] {
        let pointers = broken(&with(place, value.clone()));
        assert!(
            pointers.contains(&pointer.to_owned()),
            "{place} = {value}: {pointers:?}"
        );
    }
    for required in ["base_url", "create", "test", "revoke", "list"] {
        let mut config = good.clone();
        config.as_object_mut().unwrap().remove(required);
        assert!(
            broken(&config).contains(&format!("/config/{required}")),
            "{required}"
        );
    }
}
