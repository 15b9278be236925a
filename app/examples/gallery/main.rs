//! Every page from fixtures, so that it can be looked at without a server, a database or a rotation.
//!
//! `cargo run -p app --features ssr --example gallery -- 127.0.0.1:3100`, then open `/gallery/normal`, `/gallery/empty`,
//! `/gallery/error`, `/gallery/hostile` or `/gallery/many`: it sets a cookie and leads to the overview. `?refused` on any
//! page shows its forms as a refused POST would.

mod credentials;
mod fixtures;
mod others;
mod overview;
mod rotations;

use std::sync::Arc;

use app::form::FormState;
use app::reader::SharedReader;
use app::reply::ReplyStatus;
use app::shell::{Assets, Theme, shell};
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
    let router = Router::new()
        .route("/gallery/{scene}", get(choose))
        .route("/style.css", get(style))
        .route("/favicon.svg", get(favicon))
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

async fn page(request: Request) -> Response {
    let scene = cookie(request.headers(), "gallery")
        .map(|text| Scene::parse(&text))
        .unwrap_or_default();
    let theme = cookie(request.headers(), Theme::COOKIE)
        .map(|text| Theme::parse(&text))
        .unwrap_or_default();
    let is_refused = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("refused"));
    let provide = move || {
        let reader: SharedReader = Arc::new(Gallery { scene });
        provide_context(reader);
        let options = expect_context::<ResponseOptions>();
        provide_context(ReplyStatus::new(move |status| {
            if let Ok(status) = StatusCode::from_u16(status) {
                options.set_status(status);
            }
        }));
        if is_refused {
            provide_context(refused());
        }
    };
    let assets = Assets {
        css: "/style.css".into(),
        bundle: None,
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
