//! Objects of S3 as targets, on moto's server.

use engine::ports::{Bounds, Locator, TargetSession, Values};
use engine::rotation::ErrorClass;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use testing::Moto;

use crate::fixture::values;
use crate::targets::{all_of, by_locator, keeps_the_contract, located, open, swap};

/// Another way to the store than the tested one: unsigned, for moto asks nobody who he is unless told to.
#[derive(Clone)]
struct Writer {
    client: Client,
    url: String,
}

impl Writer {
    fn new(moto: &Moto) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            client: Client::builder().no_proxy().build().unwrap(),
            url: moto.url(),
        }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        // moto tells its services apart by the name of the host, or by the scope of a signature.
        let mut map = HeaderMap::new();
        let scope = "AWS4-HMAC-SHA256 Credential=writer/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, \
                     Signature=0";
        for (name, value) in [("authorization", scope)].iter().chain(headers) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            map.insert(name, HeaderValue::from_str(value).unwrap());
        }
        let request = self.client.request(method, format!("{}{path}", self.url));
        let response = request.headers(map).body(body.to_owned()).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {response:?}");
        response
    }

    async fn put(&self, path: &str, headers: &[(&str, &str)], body: &str) {
        self.ask(Method::PUT, path, headers, body).await;
    }

    async fn get(&self, path: &str) -> (HeaderMap, String) {
        let response = self.ask(Method::GET, path, &[], "").await;
        (response.headers().clone(), response.text().await.unwrap())
    }
}

fn place(moto: &Moto, bucket: &str, prefix: &str) -> Value {
    json!({
        "endpoint": moto.url(), "region": "us-east-1", "bucket": bucket, "prefix": prefix,
        "allow_private_network": true
    })
}

fn login() -> Values {
    values(&[("key_id", "AKIAROTA"), ("key", "only-for-tests")])
}

async fn opened(config: &Value, columns: &[&str]) -> Box<dyn TargetSession> {
    open("s3", config, Some(&login()), columns).await.unwrap()
}

/// Ten objects; the names are what clients and signatures stumble over.
const KEYS: [(&str, &str); 10] = [
    ("in/a", "in/a"),
    ("in/a b+c", "in/a%20b%2Bc"),
    ("in/a&b=c?d#e", "in/a%26b%3Dc%3Fd%23e"),
    ("in/a//b", "in/a//b"),
    ("in/b%2Fc", "in/b%252Fc"),
    ("in/b'\"<>;--", "in/b%27%22%3C%3E%3B--"),
    ("in/c\\d|e", "in/c%5Cd%7Ce"),
    ("in/d*~!()$@:,", "in/d%2A~%21%28%29%24%40%3A%2C"),
    ("in/\u{fc}\u{4e2d}", "in/%C3%BC%E4%B8%AD"),
    ("in/\u{1f511}", "in/%F0%9F%94%91"),
];

fn path_of(locator: &Locator) -> String {
    let (_, path) = KEYS.iter().find(|(key, _)| *key == locator.0).unwrap();
    format!("/bucket/{path}")
}

#[tokio::test]
async fn objects_of_s3_below_a_prefix_with_all_that_stands_beside_them() {
    let moto = Moto::start();
    let writer = Writer::new(&moto);
    writer.put("/bucket", &[], "").await;
    let beside = [
        ("content-type", "application/x-envelope; a=b"),
        ("cache-control", "no-store"),
        ("content-language", "de"),
        ("content-disposition", "attachment; filename=\"a  b\""),
        ("x-amz-meta-owner", "orders  team"),
        ("x-amz-meta-two", "2"),
        ("x-amz-tagging", "team=a%20b&kind=a%2Bb%3D"),
        ("x-amz-storage-class", "STANDARD_IA"),
    ];
    for (number, (_, path)) in KEYS.iter().enumerate() {
        let path = format!("/bucket/{path}");
        writer.put(&path, &beside, &format!("value {number}")).await;
    }
    writer.put("/bucket/in/folder/", &[], "").await;
    writer.put("/bucket/other", &[], "not below the prefix").await;

    let mut session = opened(&place(&moto, "bucket", "in/"), &["key"]).await;
    let records = all_of(session.as_mut(), &Bounds::default()).await;
    let mut keys: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
    keys.sort_unstable();
    assert_eq!(
        records
            .iter()
            .map(|record| record.fields[0].as_str())
            .collect::<Vec<_>>(),
        keys,
        "in the order of keys, so that a cursor leaves no gap"
    );
    assert_eq!(located(session.as_mut()).await, KEYS.len());
    assert!(session.locate(&["elsewhere/1".to_owned()]).is_empty());
    keeps_the_contract(session.as_mut(), |locator| {
        let writer = writer.clone();
        async move { writer.put(&path_of(&locator), &[], "a writer's").await }
    })
    .await;

    let moved = path_of(&records[0].locator);
    let (headers, body) = writer.get(&moved).await;
    assert_eq!(body, "moved 01");
    for (name, value) in beside {
        if name != "x-amz-tagging" {
            assert_eq!(headers.get(name).unwrap(), value, "{name} is lost");
        }
    }
    let (_, tags) = writer.get(&format!("{moved}?tagging")).await;
    for part in [
        "<Key>team</Key><Value>a b</Value>",
        "<Key>kind</Key><Value>a+b=</Value>",
    ] {
        assert!(tags.contains(part), "{tags}");
    }
    let (_, other) = writer.get("/bucket/other").await;
    assert_eq!(other, "not below the prefix");

    // Deleted between the scan and the swap: it stays deleted.
    let gone = swap(&records[5], b"moved 03");
    writer.ask(Method::DELETE, &path_of(&gone.locator), &[], "").await;
    assert_eq!(
        session.replace(std::slice::from_ref(&gone)).await.unwrap(),
        [false]
    );
    assert_eq!(session.read(&[gone.locator]).await.unwrap(), []);
    let left = by_locator(&all_of(session.as_mut(), &Bounds::default()).await);
    assert_eq!(left.len(), 9, "{left:?}");
}

/// Stands before the store, and lets somebody else write an object just before each of our writes of it.
async fn with_a_quicker_writer(moto: &Moto, writer: &Writer, path: &'static str) -> String {
    let (writer, url) = (writer.clone(), moto.url());
    let before_the_store = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let (writer, url) = (writer.clone(), url.clone());
        async move {
            let (parts, body) = request.into_parts();
            if parts.method == Method::PUT && parts.uri.path() == path {
                writer.put(path, &[], "a writer's").await;
            }
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let forwarded = writer.client.request(parts.method, format!("{url}{}", parts.uri));
            let reply = forwarded.headers(parts.headers).body(body).send().await.unwrap();
            let (status, mut headers) = (reply.status(), reply.headers().clone());
            headers.remove("transfer-encoding");
            (status, headers, reply.bytes().await.unwrap())
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, before_the_store).await });
    url
}

#[tokio::test]
async fn objects_that_somebody_writes_between_our_read_and_our_write_and_large_ones() {
    let moto = Moto::start();
    let writer = Writer::new(&moto);
    writer.put("/bucket", &[], "").await;
    for number in 0..3 {
        writer
            .put(&format!("/bucket/{number}"), &[], &format!("value {number}"))
            .await;
    }
    let mut config = place(&moto, "bucket", "");
    config["endpoint"] = json!(with_a_quicker_writer(&moto, &writer, "/bucket/1").await);
    let mut session = opened(&config, &[]).await;
    let records = all_of(session.as_mut(), &Bounds::default()).await;
    let swaps: Vec<_> = records.iter().map(|record| swap(record, b"moved")).collect();
    assert_eq!(session.replace(&swaps).await.unwrap(), [true, false, true]);
    assert_eq!(writer.get("/bucket/0").await.1, "moved");
    assert_eq!(
        writer.get("/bucket/1").await.1,
        "a writer's",
        "a writer lost its write"
    );

    let large = "x".repeat(3_000_000);
    writer.put("/bucket/large", &[], &large).await;
    let records = session.read(&[Locator("large".to_owned())]).await.unwrap();
    assert_eq!(records[0].stored, large.as_bytes());
    let after = vec![b'y'; 3_000_001];
    assert_eq!(
        session.replace(&[swap(&records[0], &after)]).await.unwrap(),
        [true]
    );
    assert_eq!(writer.get("/bucket/large").await.1.as_bytes(), after);
    writer
        .put("/bucket/too-large", &[], &"x".repeat(33 * 1024 * 1024))
        .await;
    let refused = session.scan(&Bounds::default(), None, 1_000).await.unwrap_err();
    assert!(refused.detail.contains("`too-large`"), "{}", refused.detail);
}

#[tokio::test]
async fn what_s3_cannot_keep_safe_is_refused() {
    let moto = Moto::start();
    let writer = Writer::new(&moto);
    writer.put("/bucket", &[], "").await;
    let refusal = async |config: &Value, login: &Values| {
        let refused = open("s3", config, Some(login), &[]).await.err();
        refused.unwrap_or_else(|| panic!("{config} was let in"))
    };
    let absent = refusal(&place(&moto, "absent", ""), &login()).await;
    assert_eq!(absent.class, ErrorClass::Policy);
    assert!(absent.detail.contains("NoSuchBucket"), "{}", absent.detail);

    let mut public = place(&moto, "bucket", "");
    public["allow_private_network"] = json!(false);
    let kinds = connectors::all(
        std::sync::Arc::new(crate::fixture::Seeded::default()),
        std::sync::Arc::new(crate::fixture::Still),
    );
    let broken = kinds.target("s3").unwrap().check(&public).unwrap_err();
    assert!(broken[0].detail.contains("allow_private_network"), "{broken:?}");

    // What HTTP would fold into another object's name is told, not mistaken.
    let session = &mut opened(&place(&moto, "bucket", ""), &[]).await;
    let refused = session.read(&[Locator("a/../b".to_owned())]).await.unwrap_err();
    assert!(refused.detail.contains("rename"), "{}", refused.detail);

    let versioned = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    writer.put("/bucket?versioning", &[], versioned).await;
    let mut config = place(&moto, "bucket", "");
    let refused = refusal(&config, &login()).await;
    assert!(
        refused.detail.contains("old_versions_expire"),
        "{}",
        refused.detail
    );
    config["old_versions_expire"] = json!(true);
    opened(&config, &[]).await;

    // moto asks from now on who signs; what it expects of a signature it computes wrongly where a query has a slash,
    // so signatures are proven by AWS's own examples instead.
    let plain = [("content-type", "text/plain")];
    writer
        .ask(Method::POST, "/moto-api/reset-auth", &plain, "0")
        .await;
    let refused = refusal(&config, &login()).await;
    assert_eq!(refused.class, ErrorClass::Authentication, "{}", refused.detail);
    assert!(
        refused.detail.contains("InvalidAccessKeyId"),
        "{}",
        refused.detail
    );

    let silent = json!({"endpoint": "http://127.0.0.1:9", "bucket": "bucket", "allow_private_network": true});
    let refused = refusal(&silent, &login()).await;
    assert_eq!(refused.class, ErrorClass::Network, "{}", refused.detail);
}

/// A store that takes every write, as those did that came before conditional writes.
#[tokio::test]
async fn a_store_that_ignores_conditions_is_refused_before_it_is_written_to() {
    use axum::http::StatusCode;
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = seen.clone();
    let store = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let log = log.clone();
        async move {
            let (method, uri) = (request.method().to_string(), request.uri().to_string());
            let is_listing = uri.contains("list-type");
            log.lock()
                .unwrap()
                .push(format!("{method} {}", uri.split('?').next().unwrap()));
            match method.as_str() {
                "GET" if is_listing => (StatusCode::OK, "<R><IsTruncated>false</IsTruncated></R>"),
                "GET" => (
                    StatusCode::NOT_IMPLEMENTED,
                    "<Error><Code>NotImplemented</Code></Error>",
                ),
                "DELETE" => (StatusCode::NO_CONTENT, ""),
                _ => (StatusCode::OK, ""),
            }
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, store).await });
    let config = json!({"endpoint": url, "bucket": "bucket", "prefix": "in/", "allow_private_network": true});
    let refused = open("s3", &config, Some(&login()), &[]).await.err().unwrap();
    assert_eq!(refused.class, ErrorClass::Policy);
    assert!(refused.detail.contains("If-Match"), "{}", refused.detail);
    assert!(
        !refused.detail.contains("remove the empty object"),
        "{}",
        refused.detail
    );
    let probe = "/bucket/in/.rota-conditional-write";
    let seen = seen.lock().unwrap();
    assert_eq!(seen[2..], [format!("PUT {probe}"), format!("DELETE {probe}")]);
}
