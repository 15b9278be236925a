//! The other party of these tests: a real HTTP server that keeps the delivery part of the contract (DESIGN.md,
//! section 6). It stands in until the agent meets the real one in the journeys of `server/tests`.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use agent::Config;
use api::{Ack, Secret, Signal, SignalBatch};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{sync::watch, task::JoinHandle};

pub(crate) const TOKEN: &str = "rota_c_test_token";

/// What the server serves to everyone who asks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Served {
    NoVersionYet,
    NotBound,
    Unavailable,
    Version { version: u32, previous: Option<u32> },
}

/// Runs until it is dropped or stopped; remembers everything over a stop.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) world: Arc<World>,
    task: Option<JoinHandle<()>>,
}

pub(crate) struct World {
    pub(crate) served: watch::Sender<Served>,
    pub(crate) acks: watch::Sender<Vec<(String, Ack)>>,
    pub(crate) signals: watch::Sender<Vec<(Instant, Signal)>>,
    /// How many requests for delivery came, and how many of them were long polls.
    pub(crate) fetches: watch::Sender<(u32, u32)>,
    /// Acknowledgements and signals are answered 503 this many more times.
    pub(crate) refusals_left: watch::Sender<u32>,
}

pub(crate) fn served(version: u32, previous: Option<u32>) -> Served {
    Served::Version { version, previous }
}

/// The password of a version.
pub(crate) fn password(version: u32) -> String {
    format!("secret-of-version-{version}")
}

impl TestServer {
    pub(crate) async fn start(first: Served) -> Self {
        let world = Arc::new(World {
            served: watch::Sender::new(first),
            acks: watch::Sender::default(),
            signals: watch::Sender::default(),
            fetches: watch::Sender::default(),
            refusals_left: watch::Sender::default(),
        });
        let mut server = Self {
            address: ([127, 0, 0, 1], 0).into(),
            world,
            task: None,
        };
        server.listen().await;
        server
    }

    /// Listens again where it listened before.
    pub(crate) async fn listen(&mut self) {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener = socket.listen(64).unwrap();
        self.address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/api/v1/delivery/{credential}", get(delivery))
            .route("/api/v1/delivery/{credential}/acks", post(acknowledge))
            .route("/api/v1/signals", post(signals))
            .route(
                "/api/v1/whoami",
                get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/stolen")]) }),
            )
            .route(
                "/stolen",
                get(|| async { Json(json!({"kind": "consumer", "name": "thief"})) }),
            )
            .with_state(Arc::clone(&self.world));
        // Dropping the task drops its connections too, as a killed process would.
        self.task = Some(tokio::spawn(serve_until_dropped(listener, router)));
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _aborted = task.await;
        }
    }

    pub(crate) fn serve(&self, served: Served) {
        self.world.served.send_replace(served);
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(
            format!("http://{}", self.address),
            Secret::new(TOKEN),
            "orders-1",
            ["orders-app"],
        )
    }

    pub(crate) async fn acked(&self, expected: impl Fn(&[(String, Ack)]) -> bool) -> Vec<(String, Ack)> {
        within_ten_seconds(self.world.acks.subscribe().wait_for(|acks| expected(acks)))
            .await
            .unwrap()
            .clone()
    }

    pub(crate) async fn signalled(
        &self,
        expected: impl Fn(&[(Instant, Signal)]) -> bool,
    ) -> Vec<(Instant, Signal)> {
        within_ten_seconds(self.world.signals.subscribe().wait_for(|seen| expected(seen)))
            .await
            .unwrap()
            .clone()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Nothing here takes long; what hangs must fail.
pub(crate) async fn within_ten_seconds<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(10), future)
        .await
        .expect("it took more than ten seconds")
}

async fn serve_until_dropped(listener: tokio::net::TcpListener, router: Router) {
    // axum::serve detaches its connections; a runtime of its own ends them with the task.
    struct Runtime(Option<tokio::runtime::Runtime>);
    impl Drop for Runtime {
        fn drop(&mut self) {
            if let Some(runtime) = self.0.take() {
                runtime.shutdown_background();
            }
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let listener = listener.into_std().expect("a listener");
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let _ended = axum::serve(listener, router).await;
    });
    let _runtime = Runtime(Some(runtime));
    std::future::pending::<()>().await;
}

fn problem(status: StatusCode, code: &str) -> Response {
    let body =
        json!({"type": format!("/problems/{code}"), "title": code, "status": status.as_u16(), "code": code});
    (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}

fn instance(headers: &HeaderMap) -> Result<String, Box<Response>> {
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|value| *value != *format!("Bearer {TOKEN}"))
    {
        return Err(Box::new(problem(StatusCode::UNAUTHORIZED, "unauthenticated")));
    }
    let name = headers.get("x-rota-instance").and_then(|name| name.to_str().ok());
    name.map(str::to_owned)
        .ok_or_else(|| Box::new(problem(StatusCode::BAD_REQUEST, "malformed")))
}

fn entity_tag(served: &Served) -> String {
    format!("\"{served:?}\"")
        .replace(['{', '}', ' ', '('], "_")
        .replace("\"\"", "\"")
}

fn values(version: u32) -> Value {
    json!({"username": format!("orders_{version}"), "password": password(version), "host": "127.0.0.1", "port": 5432})
}

#[derive(serde::Deserialize)]
struct Wait {
    wait: Option<u64>,
}

async fn delivery(
    State(world): State<Arc<World>>,
    Path(credential): Path<String>,
    Query(query): Query<Wait>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = instance(&headers) {
        return *refusal;
    }
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tag| tag.to_str().ok())
        .map(str::to_owned);
    let is_long_poll = known.is_some() && query.wait.is_some();
    world.fetches.send_modify(|(all, long)| {
        *all += 1;
        *long += u32::from(is_long_poll);
    });
    let mut receiver = world.served.subscribe();
    let wait = Duration::from_secs(query.wait.filter(|_| known.is_some()).unwrap_or(0));
    let differs = receiver.wait_for(|served| known.as_deref() != Some(&entity_tag(served)));
    let served = match tokio::time::timeout(wait, differs).await {
        Ok(served) => served.expect("the sender lives").clone(),
        Err(_) if known.is_some() => return StatusCode::NOT_MODIFIED.into_response(),
        Err(_) => world.served.borrow().clone(),
    };
    match served {
        _ if credential != "orders-app" => problem(StatusCode::NOT_FOUND, "not_found"),
        Served::NoVersionYet => problem(StatusCode::NOT_FOUND, "no_version_yet"),
        Served::NotBound => problem(StatusCode::FORBIDDEN, "not_bound"),
        Served::Unavailable => problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Served::Version { version, previous } => {
            let mut body =
                json!({"version": version, "values": values(version), "refresh_after_seconds": 60});
            if let Some(previous) = previous {
                body["previous"] = json!({"version": previous, "values": values(previous)});
            }
            ([(header::ETAG, entity_tag(&served))], Json(body)).into_response()
        }
    }
}

/// True when this request is one of those to be refused.
fn refuse(world: &World) -> bool {
    world.refusals_left.send_if_modified(|left| {
        let refused = *left > 0;
        *left = left.saturating_sub(1);
        refused
    })
}

async fn acknowledge(
    State(world): State<Arc<World>>,
    Path(_credential): Path<String>,
    headers: HeaderMap,
    Json(ack): Json<Ack>,
) -> Response {
    match instance(&headers) {
        Err(refusal) => *refusal,
        Ok(_) if refuse(&world) => problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Ok(instance) => {
            world.acks.send_modify(|acks| acks.push((instance, ack)));
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

async fn signals(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Json(batch): Json<SignalBatch>,
) -> Response {
    #[expect(clippy::disallowed_methods, reason = "a test measures real time")]
    let arrived_at = Instant::now();
    match instance(&headers) {
        Err(refusal) => *refusal,
        Ok(_) if refuse(&world) => problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Ok(_) => {
            let accepted: u32 = batch.signals.iter().map(|signal| signal.count).sum();
            let arrived = batch.signals.into_iter().map(|signal| (arrived_at, signal));
            world.signals.send_modify(|signals| signals.extend(arrived));
            (StatusCode::ACCEPTED, Json(json!({"accepted": accepted}))).into_response()
        }
    }
}
