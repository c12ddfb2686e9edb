//! The answers that every operation can give when it cannot do what it was asked.
//!
//! Which ones follows from the operation's shape: a path with an id, or a tenant that the operator names, can be not
//! found, a body can be too large. They
//! are shared components, one a status, that list the codes of that status; each code links to its page.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::each_operation;
use crate::http::Code;

/// Adds the schema `Problem`, an answer for each status, and the references from all operations.
pub(super) fn add(document: &mut Value) {
    document["components"]["schemas"]["Problem"] = schema();
    document["components"]["schemas"]["ProblemField"] = field_schema();
    document["components"]["responses"] =
        Value::Object(by_status().into_iter().map(|(status, codes)| (name(status), response(&codes))).collect());
    let schemas = document["components"]["schemas"].clone();
    each_operation(document, |path, method, operation| {
        for status in statuses(path, method, operation, &schemas) {
            let reference = json!({ "$ref": format!("#/components/responses/{}", name(status)) });
            let responses = operation.entry("responses").or_insert_with(|| json!({}));
            responses[status.to_string()] = reference;
        }
    });
}

fn statuses(path: &str, method: &str, operation: &Map<String, Value>, schemas: &Value) -> Vec<u16> {
    let mut statuses = vec![400, 429, 500, 503];
    let is_public = operation.get("security").and_then(Value::as_array).is_none_or(Vec::is_empty);
    statuses.extend(if is_public { &[403][..] } else { &[401, 403] });
    if path.contains('{') || names_tenant(operation, schemas) {
        statuses.push(404);
    }
    if method != "get" {
        statuses.extend([409, 422]);
    }
    if operation.contains_key("requestBody") {
        statuses.extend([413, 415]);
    }
    statuses.sort_unstable();
    statuses
}

/// Whether the operator can name a tenant in the query or in the body.
fn names_tenant(operation: &Map<String, Value>, schemas: &Value) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let in_query = parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == TENANT));
    let body = operation.get("requestBody").map(|body| &body["content"]["application/json"]["schema"]);
    let name = body.and_then(|schema| schema["$ref"].as_str()?.rsplit('/').next());
    in_query || name.is_some_and(|name| schemas[name]["properties"].get(TENANT).is_some())
}

/// The member by which the operator names a tenant.
const TENANT: &str = "tenant_id";

fn by_status() -> BTreeMap<u16, Vec<Code>> {
    let mut statuses = BTreeMap::<u16, Vec<Code>>::new();
    for code in Code::ALL {
        statuses.entry(code.status().as_u16()).or_default().push(*code);
    }
    statuses.remove(&405);
    statuses
}

fn name(status: u16) -> String {
    let names = [
        (400, "BadRequest"),
        (401, "Unauthenticated"),
        (403, "Forbidden"),
        (404, "NotFound"),
        (409, "Conflict"),
        (413, "PayloadTooLarge"),
        (415, "UnsupportedMediaType"),
        (422, "Refused"),
        (429, "TooManyRequests"),
        (500, "Internal"),
        (503, "Unavailable"),
    ];
    names
        .iter()
        .find(|(known, _)| *known == status)
        .map_or_else(|| format!("Status{status}"), |(_, name)| (*name).to_owned())
}

fn response(codes: &[Code]) -> Value {
    let lines = codes.iter().map(|code| format!("- `{}`: {}", code.as_str(), code.title()));
    let description = lines.collect::<Vec<_>>().join("\n");
    let examples = codes
        .iter()
        .map(|code| (code.as_str().to_owned(), json!({ "summary": code.title(), "value": example(*code) })));
    let mut response = json!({
        "description": description,
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "examples": Value::Object(examples.collect()),
        }},
    });
    if codes.iter().any(|code| matches!(code.status().as_u16(), 429 | 503)) {
        response["headers"] = json!({ "Retry-After": {
            "description": "Seconds to wait before the next try.", "schema": { "type": "integer", "minimum": 1 },
        }});
    }
    response
}

fn example(code: Code) -> Value {
    json!({
        "type": format!("/problems/{}", code.as_str()),
        "code": code.as_str(),
        "title": code.title(),
        "status": code.status().as_u16(),
        "detail": format!("{}.", code.title()),
        "retryable": code.retryable(),
        "request_id": "req_4f1c2d3e4b5a69788796a5b4c3d2e1f0",
    })
}

fn schema() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "title": "Problem",
        "description": "Why a request was refused or failed (RFC 9457).",
        "type": "object",
        "required": ["type", "code", "title", "status", "detail", "retryable", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "The page that says what to do." },
            "code": { "type": "string", "description": "The stable name to branch on. More may be added.", "examples": codes },
            "title": { "type": "string", "description": "The same short sentence for every occurrence." },
            "status": { "type": "integer", "description": "The HTTP status." },
            "detail": { "type": "string", "description": "What happened this time, for a person." },
            "errors": {
                "type": "array",
                "description": "The values that are wrong, all at once.",
                "items": { "$ref": "#/components/schemas/ProblemField" },
            },
            "retryable": { "type": "boolean", "description": "Whether the same request may succeed later." },
            "request_id": { "type": "string", "description": "Leads us to the cause in our log." },
        },
    })
}

fn field_schema() -> Value {
    json!({
        "title": "ProblemField",
        "description": "One value that is wrong.",
        "type": "object",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": { "type": "string", "description": "An RFC 6901 pointer into the body, `?name` for a query parameter, or the name of a header." },
            "code": { "type": "string", "description": "What is wrong, as a stable name." },
            "detail": { "type": "string", "description": "What is wrong, for a person." },
        },
    })
}
