//! The API's description as a page: taken out of the document itself, so that both say the same.
use serde_json::{Map, Value};

use crate::web::pages::{ApiAnswer, ApiCall, ApiField, ApiPage, ApiShape};

pub(super) fn page_of(document: &Value) -> ApiPage {
    let mut calls = Vec::new();
    for (path, methods) in entries(&document["paths"]) {
        for (method, call) in entries(methods) {
            calls.push(call_of(path, method, call));
        }
    }
    let shapes = entries(&document["components"]["schemas"]).map(|(name, schema)| shape_of(name, schema)).collect();
    ApiPage { version: text(&document["info"]["version"]), calls, shapes }
}

fn call_of(path: &str, method: &str, call: &Value) -> ApiCall {
    let body = entries(&call["requestBody"]["content"]).next().map(|(_, content)| &content["schema"]);
    ApiCall {
        anchor: text(&call["operationId"]),
        method: method.to_uppercase(),
        path: format!("/api/v1{path}"),
        summary: text(&call["summary"]),
        text: text(&call["description"]),
        parameters: call["parameters"].as_array().into_iter().flatten().map(parameter_of).collect(),
        body: body.and_then(reference),
        answers: entries(&call["responses"]).map(|(status, answer)| answer_of(status, answer)).collect(),
    }
}

fn parameter_of(parameter: &Value) -> ApiField {
    ApiField {
        name: text(&parameter["name"]),
        kind: format!("{}, {}", text(&parameter["in"]), kind_of(&parameter["schema"])),
        required: parameter["required"] == true,
        text: text(&parameter["description"]),
        shape: None,
    }
}

fn answer_of(status: &str, answer: &Value) -> ApiAnswer {
    let schema = entries(&answer["content"]).next().map(|(_, content)| &content["schema"]);
    ApiAnswer { status: status.to_owned(), text: text(&answer["description"]), shape: schema.and_then(reference) }
}

fn shape_of(name: &str, schema: &Value) -> ApiShape {
    // A list of shapes is named after what it lists, and holds that in place of a reference to it.
    let listed = name.split_once('_').map(|(_, listed)| listed.to_owned());
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let field = |(name, field): (&String, &Value)| ApiField {
        name: name.clone(),
        kind: kind_of(field),
        required: required.iter().any(|one| one == name),
        text: text(&field["description"]),
        shape: reference(field)
            .or_else(|| reference(&field["items"]))
            .or_else(|| listed.clone().filter(|_| name == "items")),
    };
    ApiShape {
        name: name.to_owned(),
        text: text(&schema["description"]),
        fields: entries(&schema["properties"]).map(field).collect(),
    }
}

/// The name of the shape that a schema points to.
fn reference(schema: &Value) -> Option<String> {
    schema["$ref"].as_str()?.rsplit('/').next().map(str::to_owned)
}

/// A schema in a few words: "string, uuid", "list", "integer, 1 to 500".
fn kind_of(schema: &Value) -> String {
    let kinds = match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "object".to_owned(),
    };
    let format = schema["format"].as_str().filter(|format| !format.starts_with("int"));
    let bounds = schema["minimum"].as_i64().zip(schema["maximum"].as_i64());
    let bounds = bounds.map(|(least, most)| format!("{least} to {most}"));
    [Some(kinds.replace("array", "list")), format.map(str::to_owned), bounds]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

/// The words of a description, without the marks of Markdown.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('`', "")
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
