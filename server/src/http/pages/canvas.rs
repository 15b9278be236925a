//! Draws the app's pages: one request, one document, complete before its first byte leaves.

use std::convert::Infallible;

use app::form::{FormState, ShownOnce};
use app::reader::SharedReader;
use app::reply::ReplyStatus;
use app::shell::{Assets, Bundle, Theme, shell};
use axum::body::Body;
use axum::extract::{FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use leptos::nonce::Nonce;
use leptos::prelude::{expect_context, provide_context};
use leptos_axum::ResponseOptions;

use crate::assets;
use crate::http::headers::CspNonce;

/// The cookie that narrows the pages to one environment.
pub(super) const ENVIRONMENT_COOKIE: &str = "rota_environment";

/// What a document needs of its request: where it stands, in which colours, under which policy.
#[derive(Clone, Debug)]
pub(super) struct Canvas {
    pub(super) uri: Uri,
    /// What the viewer narrowed the pages to.
    pub(super) environment: Option<String>,
    nonce: Option<String>,
    theme: Theme,
}

/// What a reply brings besides the page itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    /// What was typed and refused, or what went well.
    pub(super) form: Option<FormState>,
    /// A secret that is shown in this reply and never again.
    pub(super) once: Option<ShownOnce>,
}

impl Canvas {
    /// The page at this address. A page that has nothing to show chooses its own status; else `status` is sent.
    pub(super) async fn draw(
        self,
        reader: Option<SharedReader>,
        extras: Extras,
        status: StatusCode,
    ) -> Response {
        let own_nonce = self.nonce.clone().map(Nonce::from_value);
        let provide = move || {
            // Leptos writes inline scripts of its own: under the nonce of this reply.
            if let Some(nonce) = own_nonce.clone() {
                provide_context(nonce);
            }
            if let Some(reader) = reader.clone() {
                provide_context(reader);
            }
            let options = expect_context::<ResponseOptions>();
            provide_context(ReplyStatus::new(move |status| {
                if let Ok(status) = StatusCode::from_u16(status) {
                    options.set_status(status);
                }
            }));
            if let Some(form) = extras.form.clone() {
                provide_context(form);
            }
            if let Some(once) = extras.once.clone() {
                provide_context(once);
            }
        };
        let Self {
            uri, nonce, theme, ..
        } = self;
        let document = move || shell(site(), nonce.clone(), theme);
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = uri;
        let mut response = leptos_axum::render_app_async_with_context(provide, document)(request).await;
        if response.status() == StatusCode::OK {
            *response.status_mut() = status;
        }
        response
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Canvas {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let original = parts.extensions.get::<OriginalUri>().map(|uri| uri.0.clone());
        Ok(Self {
            uri: original.unwrap_or_else(|| parts.uri.clone()),
            environment: cookie(&parts.headers, ENVIRONMENT_COOKIE).filter(|name| !name.is_empty()),
            nonce: parts.extensions.get::<CspNonce>().map(|nonce| nonce.0.clone()),
            theme: cookie(&parts.headers, Theme::COOKIE)
                .map(|text| Theme::parse(&text))
                .unwrap_or_default(),
        })
    }
}

/// What the documents link to. Without a bundle the pages have their style and no script.
fn site() -> Assets {
    match assets::manifest() {
        Some(manifest) => Assets {
            css: manifest.css,
            bundle: Some(Bundle {
                js: manifest.js,
                wasm: manifest.wasm,
            }),
        },
        None => Assets {
            css: assets::PLAIN_STYLE.to_owned(),
            bundle: None,
        },
    }
}

/// The value of a cookie that holds no more than a choice.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| {
            let value = pair.trim().strip_prefix(name)?.strip_prefix('=')?;
            Some(value.to_owned())
        })
}
