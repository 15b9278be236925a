//! Every page in every scene of the gallery, rendered as the server renders it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../examples/gallery/credentials.rs"]
mod credentials;
#[path = "../examples/gallery/fixtures.rs"]
mod fixtures;
#[path = "../examples/gallery/forms.rs"]
mod forms;
#[path = "../examples/gallery/keys.rs"]
mod keys;
#[path = "../examples/gallery/others.rs"]
mod others;
#[path = "../examples/gallery/overview.rs"]
mod overview;
#[path = "../examples/gallery/reencryption.rs"]
mod reencryption;
#[path = "../examples/gallery/rotations.rs"]
mod rotations;

use std::sync::Arc;

use app::app::App;
use app::reader::SharedReader;
use app::reply::ReplyStatus;
use app::shell::{Assets, Bundle, Theme, shell};
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::fixtures::{Gallery, Scene};

const PATHS: [&str; 35] = [
    "/",
    "/?span=1y",
    "/credentials",
    "/credentials?q=stripe&band=red&sort=age",
    "/credentials/new",
    "/credentials/orders-app",
    "/credentials/orders-app/edit",
    "/rotations",
    "/rotations?stage=stuck",
    "/rotations/018f-1",
    "/rotations/018f-2",
    "/rotations/018f-3",
    "/issuers",
    "/issuers/new",
    "/issuers/orders-db",
    "/consumers",
    "/consumers/new",
    "/consumers/checkout",
    "/expiries",
    "/needs-a-person",
    "/credentials/orders-app/delete",
    "/rotations/018f-1?log=steps",
    "/keys",
    "/keys/new",
    "/keys/cards",
    "/keys/cards/edit",
    "/reencryptions",
    "/reencryptions/018f-1",
    "/targets/new",
    "/targets/orders-cards/edit",
    "/targets/orders-cards/delete",
    "/recovery",
    "/root",
    "/audit",
    "/settings",
];

const SCENES: [&str; 5] = ["normal", "empty", "error", "hostile", "many"];

async fn render(scene: Scene, path: &str) -> (StatusCode, String) {
    render_with(scene, path, || {}).await
}

async fn render_with(
    scene: Scene,
    path: &str,
    more: impl Fn() + Clone + Send + Sync + 'static,
) -> (StatusCode, String) {
    // Starts the executor that rendering needs; again is harmless.
    leptos_axum::generate_route_list(App);
    let provide = move || {
        let reader: SharedReader = Arc::new(Gallery { scene });
        provide_context(reader);
        provide_context(leptos::nonce::Nonce::from_value("n0nce"));
        more();
        let options = expect_context::<ResponseOptions>();
        provide_context(ReplyStatus::new(move |status| {
            options.set_status(StatusCode::from_u16(status).unwrap())
        }));
    };
    let assets = Assets {
        css: "/pkg/rota.css".into(),
        bundle: Some(Bundle {
            js: "/pkg/rota.js".into(),
            wasm: "/pkg/rota.wasm".into(),
        }),
    };
    let draw = move || shell(assets.clone(), Some("n0nce".into()), Theme::System);
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let reply = leptos_axum::render_app_async_with_context(provide, draw)(request).await;
    let status = reply.status();
    let bytes = to_bytes(reply.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

/// What holds for every page, whatever it shows.
fn assert_well_made(html: &str, about: &str) {
    assert_eq!(html.matches("<h1").count(), 1, "one title: {about}");
    assert!(html.contains("<title>"), "a title for the window: {about}");
    assert!(html.contains("<main"), "{about}");
    assert!(
        !html.contains(" style="),
        "the policy refuses style attributes: {about}"
    );
    assert_eq!(
        html.matches("<script").count(),
        html.matches(" nonce=\"n0nce\"").count(),
        "each script has the nonce: {about}"
    );
    assert!(
        !html.contains("<b>Orders") && !html.contains("<b>ada"),
        "names are escaped: {about}"
    );
    assert!(
        !html.contains("NaN") && !html.contains("inf%"),
        "no figure without a value: {about}"
    );
}

#[tokio::test]
async fn every_page_is_well_made_in_every_scene() {
    for scene in SCENES {
        let scene = Scene::parse(scene);
        for path in PATHS {
            let (_, html) = render(scene, path).await;
            assert_well_made(&html, &format!("{scene:?} {path}"));
        }
    }
}

#[tokio::test]
async fn what_is_away_answers_503_and_says_so() {
    let (status, html) = render(Scene::Error, "/credentials").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(html.contains("The database does not answer."));
}

#[tokio::test]
async fn what_is_missing_answers_404_within_the_frame() {
    for path in ["/credentials/nobody-has-this", "/no/such/page"] {
        let (status, html) = render(Scene::Empty, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(html.contains("Nothing at this address"), "{path}");
        assert!(html.contains("class=\"rail\""), "{path}");
    }
}

#[tokio::test]
async fn the_button_says_what_it_will_do_to_whom() {
    let (_, html) = render(Scene::Normal, "/credentials/orders-app").await;
    assert!(html.contains("20 instances of 4 services will move to version 13, 1 first."));
}

#[tokio::test]
async fn the_way_back_is_on_the_page_of_a_running_rotation() {
    let (_, html) = render(Scene::Normal, "/rotations/018f-1").await;
    assert!(html.contains("Version 12 would return"));
    assert!(html.contains("value=\"rollback\""));
}

#[tokio::test]
async fn the_sign_in_link_is_used_by_a_button_with_an_empty_body() {
    let (status, html) = render(Scene::Normal, "/sign-in/link?token=a%26b").await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("action=\"/sign-in/link?token=a%26b\""), "{html}");
    assert!(!html.contains("<input"));
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed_and_says_what_is_wrong_beside_the_field() {
    let state = forms::refused("/settings", "").unwrap();
    let (_, html) = render_with(Scene::Normal, "/settings", move || provide_context(state.clone())).await;
    assert_well_made(&html, "refused /settings");
    assert!(html.contains("value=\"tomorrow\""));
    assert!(html.contains("Write a date and a time in UTC"));
    assert!(html.contains("aria-invalid=\"true\""));
}

#[tokio::test]
async fn a_new_token_is_shown_only_in_the_reply_that_made_it() {
    let once = forms::shown_once("/settings");
    let (_, html) = render_with(Scene::Normal, "/settings", move || provide_context(once.clone())).await;
    assert!(html.contains("rota_a_4fK2"));
    let (_, html) = render(Scene::Normal, "/settings").await;
    assert!(!html.contains("rota_a_4fK2"));
}
