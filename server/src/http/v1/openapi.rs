//! The OpenAPI document, made from the routes themselves.

use api::Problem;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

use crate::http::extract::Json;

/// Completes what the handlers' attributes say with what is the same for all of them.
pub fn complete(routes: OpenApi) -> OpenApi {
    let info = InfoBuilder::new()
        .title("Rota")
        .version("1")
        .description(Some("Rotates credentials and keys without outages."))
        .build();
    let mut document = OpenApiBuilder::from(routes).info(info).build();
    let components = document.components.get_or_insert_default();
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    let mut schemas = Vec::new();
    <Problem as ToSchema>::schemas(&mut schemas);
    components.schemas.extend(schemas);
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
    );
    components.add_security_scheme(
        "session",
        SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("rota"))),
    );
    let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name(Problem::name()))));
    let problem = ResponseBuilder::new()
        .description("The request was refused: RFC 9457, with a stable `code`")
        .content(api::problem::CONTENT_TYPE, content)
        .build();
    for (address, path) in &mut document.paths.paths {
        let operations = [
            ("get", &mut path.get),
            ("post", &mut path.post),
            ("patch", &mut path.patch),
            ("delete", &mut path.delete),
            ("put", &mut path.put),
        ];
        for (method, operation) in operations {
            let Some(operation) = operation else {
                continue;
            };
            operation.operation_id = Some(operation_id(method, address));
            operation
                .responses
                .responses
                .insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    document
}

/// Unique, and stable as long as the address is: `post_credentials_name_rotations`.
fn operation_id(method: &str, address: &str) -> String {
    let words = address
        .trim_start_matches("/api/v1/")
        .split('/')
        .map(|word| word.trim_matches(['{', '}']));
    words.fold(method.to_owned(), |id, word| format!("{id}_{word}"))
}

/// Answers with the document.
pub fn reply(document: &OpenApi) -> Response {
    Json(document).into_response()
}
