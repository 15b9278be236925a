//! Every page from fixtures, so that it can be looked at without a server, a database or a rotation.
//!
//! `cargo run -p app --features ssr --example gallery -- 127.0.0.1:3100`, then open `/gallery/normal`, `/gallery/empty`,
//! `/gallery/error`, `/gallery/hostile` or `/gallery/many`: it sets a cookie and leads to the overview. `?refused` on any
//! page shows its forms as a refused POST would, `?once` a new token as it is shown once.

mod credentials;
mod fixtures;
mod forms;
mod keys;
mod others;
mod overview;
mod reencryption;
mod rotations;

use std::sync::Arc;

use app::app::App;
use app::form::FormState;
use app::reader::SharedReader;
use app::reply::ReplyStatus;
use app::shell::{Assets, Bundle, Theme, shell};
use axum::Router;
use axum::extract::{Path, Request};
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use self::fixtures::{Gallery, Scene};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3100".into());
    // Listing the routes also starts the executor that rendering needs.
    let routes = leptos_axum::generate_route_list(App);
    println!("{} pages", routes.len());
    let router = Router::new()
        .route("/gallery/{scene}", get(choose))
        .route("/style.css", get(style))
        .route("/favicon.svg", get(favicon))
        .route("/pkg/{file}", get(bundle_file))
        .route("/api/v1/rotations/{id}/events", get(events))
        .fallback(page);
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("http://{}/gallery/normal", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn choose(Path(scene): Path<String>) -> impl IntoResponse {
    (
        StatusCode::SEE_OTHER,
        [
            (SET_COOKIE, format!("gallery={scene}; path=/")),
            (LOCATION, "/".into()),
        ],
    )
}

async fn favicon() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "image/svg+xml")],
        include_str!("../../../public/favicon.svg"),
    )
}

/// The sheets as they are on disk at this moment, so that a change shows without a build.
async fn style() -> Result<impl IntoResponse, StatusCode> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../style");
    let mut sheet = String::new();
    for file in ["tokens.css", "base.css"] {
        sheet += &std::fs::read_to_string(format!("{root}/{file}")).map_err(|_| StatusCode::NOT_FOUND)?;
    }
    for folder in ["components", "pages"] {
        let entries = std::fs::read_dir(format!("{root}/{folder}")).map_err(|_| StatusCode::NOT_FOUND)?;
        for entry in entries.flatten() {
            sheet += &std::fs::read_to_string(entry.path()).map_err(|_| StatusCode::NOT_FOUND)?;
        }
    }
    Ok(([(CONTENT_TYPE, "text/css")], sheet))
}

/// Where `cargo xtask bundle` leaves the browser's half.
const SITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site");

/// The bundle, when one was built.
fn bundle() -> Option<Bundle> {
    let manifest = std::fs::read_to_string(format!("{SITE}/manifest.json")).ok()?;
    let entry = |name: &str| {
        let (_, rest) = manifest.split_once(&format!("\"{name}\": \""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    Some(Bundle {
        js: entry("js")?,
        wasm: entry("wasm")?,
    })
}

async fn bundle_file(Path(file): Path<String>) -> Result<impl IntoResponse, StatusCode> {
    let kind = if file.ends_with(".wasm") {
        "application/wasm"
    } else {
        "text/javascript"
    };
    let bytes = std::fs::read(format!("{SITE}/pkg/{file}")).map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(([(CONTENT_TYPE, kind)], bytes))
}

/// One event and the end; the browser asks again after a second.
async fn events() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/event-stream")],
        "retry: 1000\nevent: state\ndata: {}\n\n",
    )
}

async fn page(request: Request) -> Response {
    let scene = cookie(request.headers(), "gallery")
        .map(|text| Scene::parse(&text))
        .unwrap_or_default();
    let theme = cookie(request.headers(), Theme::COOKIE)
        .map(|text| Theme::parse(&text))
        .unwrap_or_default();
    let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
    let state = query
        .contains("refused")
        .then(|| forms::refused(path, query).unwrap_or_else(refused));
    let once = query.contains("once").then(|| forms::shown_once(path));
    let provide = move || {
        let reader: SharedReader = Arc::new(Gallery { scene });
        provide_context(reader);
        let options = expect_context::<ResponseOptions>();
        provide_context(ReplyStatus::new(move |status| {
            if let Ok(status) = StatusCode::from_u16(status) {
                options.set_status(status);
            }
        }));
        if let Some(state) = state.clone() {
            provide_context(state);
        }
        if let Some(once) = once.clone() {
            provide_context(once);
        }
    };
    let assets = Assets {
        css: "/style.css".into(),
        bundle: bundle(),
    };
    let draw = move || shell(assets.clone(), None, theme);
    leptos_axum::render_app_async_with_context(provide, draw)(request).await
}

fn refused() -> FormState {
    let pairs = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    FormState {
        values: pairs(&[("action", "rotate"), ("name", "ada"), ("reason", " ")]),
        errors: pairs(&[
            ("reason", "Say why: the reason stands in the audit trail."),
            ("name", "This name and password do not go together."),
        ]),
        problem: Some("Nothing was changed. One field needs another value.".into()),
        notice: None,
    }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    cookies
        .split("; ")
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}
