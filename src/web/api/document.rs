//! The API's description (OpenAPI 3.1): what is written beside each handler, with what all calls have in common, and a page
//! that shows it without scripts.
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Map, Value, json};
use utoipa::ToSchema as _;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, RefOr, ServerBuilder};

use super::page::page_of;
use crate::web::AppState;
use crate::web::error::{FieldFault, ProblemBody};
use crate::web::language::Lang;
use crate::web::public::html;

const ABOUT: &str = "The verbs of the command line, for programs. Addresses are in bodies, never in paths or queries. A fault \
     is told as problem details (RFC 9457); a field that is not known is one. Lists go on with `next`: send it as `after`.";

/// What the description begins with.
pub(super) fn opening() -> OpenApi {
    let info = InfoBuilder::new().title("regimen").version(env!("CARGO_PKG_VERSION")).description(Some(ABOUT));
    let mut schemas = Vec::new();
    ProblemBody::schemas(&mut schemas);
    FieldFault::schemas(&mut schemas);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .schema(ProblemBody::name(), <ProblemBody as utoipa::PartialSchema>::schema());
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([ServerBuilder::new().url("/api/v1").build()]))
        .components(Some(components.build()))
        .build()
}

/// Adds the key under which a call is done once to all calls of `described`.
pub(super) fn with_keys(described: &mut OpenApi) {
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some(
            "A new one for each call, such as a UUID. The same call under the same key within a day is not done again and \
             has the same answer.",
        ))
        .schema(Some(<String as utoipa::PartialSchema>::schema()))
        .build();
    for call in described.paths.paths.values_mut().filter_map(|path| path.post.as_mut()) {
        call.parameters.get_or_insert_default().push(RefOr::T(key.clone()));
    }
}

/// What every call may be answered with, or every call that has a body, a query or a key: status and meaning.
const OF_ALL: [(&str, &str); 5] = [
    ("401", "The bearer token is missing or wrong"),
    ("403", "The token does not have the right that this call needs"),
    ("429", "More calls than this token has in a minute; Retry-After says when to go on"),
    ("500", "A fault of ours; the log has its cause"),
    ("503", "The database is away, or there is too much to do; Retry-After says when to try again"),
];
const OF_ASKING: [(&str, &str); 2] = [
    ("400", "The call cannot be read, or has a field that is not known"),
    ("422", "A field needs another value: `errors` says which"),
];
const OF_BODIES: [(&str, &str); 2] =
    [("413", "The body is too large"), ("415", "The body is not announced as what it should be")];
const OF_KEYS: (&str, &str) = ("409", "The same call is under way; Retry-After says when to ask again");

/// Completes what the handlers say of themselves.
fn completed(described: &OpenApi) -> Value {
    let mut document = serde_json::to_value(described).expect("a description can be written as JSON");
    document["security"] = json!([{ "token": [] }]);
    document["components"]["securitySchemes"] = json!({ "token": { "type": "http", "scheme": "bearer" } });
    for path in document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        for call in path.as_object_mut().into_iter().flat_map(Map::values_mut) {
            complete(call);
        }
    }
    document
}

fn complete(call: &mut Value) {
    let parameters = call["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let has_key = parameters.iter().any(|parameter| parameter["in"] == "header");
    let has_body = call.get("requestBody").is_some();
    let asks = has_body || !parameters.is_empty();
    let mut common = OF_ALL.to_vec();
    common.extend(OF_ASKING.iter().filter(|_| asks));
    common.extend(OF_BODIES.iter().filter(|_| has_body));
    common.extend(has_key.then_some(OF_KEYS));
    let responses = call["responses"].as_object_mut().expect("a call has answers");
    for (status, meaning) in common {
        responses.entry(status).or_insert_with(|| json!({ "description": meaning }));
    }
    for (status, response) in responses {
        if status.starts_with(['4', '5']) {
            let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
            response["content"] = json!({ "application/problem+json": problem });
        }
    }
}

/// Both are the same for everybody, and say what can be asked for, not what is there.
pub(super) fn router(described: &OpenApi) -> Router<AppState> {
    let document = completed(described);
    let page = Arc::new(page_of(&document));
    let text = Arc::new(document.to_string());
    let json = async move || ([(header::CONTENT_TYPE, "application/json")], text.to_string()).into_response();
    let docs = async move |lang: Lang| html(StatusCode::OK, page.render(lang.get()));
    Router::new().route("/openapi.json", get(json)).route("/docs", get(docs))
}
