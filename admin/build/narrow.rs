//! The part of the API's document that the program calls: by tag, JSON only, without what a client need not know.
//!
//! - Header parameters go, but for those that a command sends.
//! - All errors become one: every refusal is a `Problem`.
//! - Operations that take or answer anything else than JSON go (uploads, event streams), but for files of lines.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The resources that an operator looks after.
const TAGS: [&str; 8] = ["autoscale", "dead_letters", "jobs", "plans", "queues", "schedules", "tenants", "workers"];

/// Operations of those that no command is for: making and changing records is not looking after queues.
const LEFT_OUT: [&str; 10] = [
    "plans_delete",
    "plans_get",
    "schedules_create",
    "schedules_delete",
    "schedules_patch",
    "schedules_preview",
    "tenants_create",
    "tenants_create_key",
    "tenants_current",
    "tenants_get",
];

/// Headers that a command sends.
const HEADERS: [&str; 1] = ["Prefer"];

/// What an answer may be. The second is a stream of records, one a line.
const ANSWERS: [&str; 3] = ["application/json", "application/x-ndjson", "application/jsonl"];

/// A document with the kept operations, and the schemas that they reach.
///
/// # Errors
/// The document has no paths, or a reference that leads nowhere.
pub fn narrow(document: &Value) -> Result<Value, String> {
    let paths = document["paths"].as_object().ok_or("the document has no paths")?;
    let mut kept = Map::new();
    for (path, operations) in paths {
        let mut here = Map::new();
        for (method, operation) in operations.as_object().into_iter().flatten() {
            if is_wanted(operation) {
                here.insert(method.clone(), narrowed(document, operation)?);
            }
        }
        if !here.is_empty() {
            kept.insert(path.clone(), Value::Object(here));
        }
    }
    let paths = Value::Object(kept);
    let schemas = reached(document, &paths)?;
    let info = json!({ "title": document["info"]["title"], "version": document["info"]["version"] });
    Ok(json!({ "openapi": document["openapi"], "info": info, "paths": paths, "components": { "schemas": schemas } }))
}

fn is_wanted(operation: &Value) -> bool {
    let tagged = operation["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let takes = operation["requestBody"]["content"].as_object();
    let mut answers = successes(operation).filter_map(|(_, answer)| answer["content"].as_object());
    tagged.into_iter().any(|tag| TAGS.contains(&tag))
        && !operation["operationId"].as_str().is_some_and(|id| LEFT_OUT.contains(&id))
        && takes.is_none_or(|content| content.contains_key("application/json"))
        && answers.all(|content| content.keys().any(|kind| ANSWERS.contains(&kind.as_str())))
}

fn successes(operation: &Value) -> impl Iterator<Item = (&String, &Value)> {
    operation["responses"].as_object().into_iter().flatten().filter(|(status, _)| status.starts_with('2'))
}

fn narrowed(document: &Value, operation: &Value) -> Result<Value, String> {
    let mut parameters = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolved(document, parameter)?;
        if parameter["in"] != json!("header") || HEADERS.iter().any(|name| parameter["name"] == json!(name)) {
            parameters.push(parameter.clone());
        }
    }
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    let refusal = json!({ "description": "Refused.", "content": { "application/json": { "schema": problem } } });
    let mut responses = json!({ "4XX": refusal, "5XX": refusal });
    for (status, answer) in successes(operation) {
        let answer = resolved(document, answer)?;
        responses[status] = json!({ "description": answer["description"] });
        if let Some(content) = json_only(&answer["content"]) {
            responses[status]["content"] = content;
        }
    }
    let mut narrowed = json!({
        "operationId": operation["operationId"],
        "description": operation["summary"],
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(content) = json_only(&operation["requestBody"]["content"]) {
        narrowed["requestBody"] = json!({ "required": true, "content": content });
    }
    Ok(narrowed)
}

/// The first known form of a body, without its examples.
fn json_only(content: &Value) -> Option<Value> {
    let kind = ANSWERS.iter().find(|kind| content.get(**kind).is_some())?;
    Some(json!({ *kind: { "schema": content[*kind]["schema"] } }))
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> Result<&'a Value, String> {
    let Some(reference) = value["$ref"].as_str() else { return Ok(value) };
    let pointer = reference.strip_prefix('#').ok_or_else(|| format!("{reference} is outside the document"))?;
    document.pointer(pointer).ok_or_else(|| format!("{reference} leads nowhere"))
}

/// The schemas that `root` names, and those that they name.
fn reached(document: &Value, root: &Value) -> Result<Map<String, Value>, String> {
    let mut found = Map::new();
    let mut next = references(root);
    while let Some(reference) = next.pop_first() {
        let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
        if found.contains_key(&name) {
            continue;
        }
        let schema = resolved(document, &json!({ "$ref": reference })).cloned()?;
        next.extend(references(&schema));
        found.insert(name, schema);
    }
    Ok(found)
}

fn references(value: &Value) -> BTreeSet<String> {
    match value {
        // Which of several it is, no command asks.
        Value::Object(fields) if fields.contains_key("oneOf") => BTreeSet::new(),
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        let ok = json!({ "description": "It.", "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/A" }, "example": {} } }, "headers": {} });
        let stream = json!({ "description": "Live.", "content": { "text/event-stream": { "schema": {} } } });
        json!({
            "openapi": "3.1.0", "info": { "title": "T", "version": "1", "license": { "name": "x" } },
            "paths": {
                "/a": { "get": { "tags": ["jobs"], "operationId": "jobs_a", "summary": "A",
                    "parameters": [{ "$ref": "#/components/parameters/H" }, { "name": "q", "in": "query" }],
                    "responses": { "200": ok, "404": { "$ref": "#/components/responses/NotFound" } } } },
                "/b": { "get": { "tags": ["jobs"], "responses": { "200": stream } } },
                "/c": { "get": { "tags": ["contacts"], "responses": { "200": ok } } },
                "/d": { "post": { "tags": ["jobs"], "responses": { "200": ok },
                    "requestBody": { "content": { "multipart/form-data": {} } } } },
            },
            "components": {
                "parameters": { "H": { "name": "X-Request-Id", "in": "header" } },
                "schemas": { "A": { "properties": { "b": { "$ref": "#/components/schemas/B" }, "c": { "oneOf": [{ "$ref": "#/components/schemas/C" }] } } },
                    "B": {}, "C": {}, "Problem": {} },
            },
        })
    }

    #[test]
    fn only_json_operations_of_an_operators_resources_stay() {
        let narrowed = narrow(&document()).unwrap();
        assert_eq!(narrowed["paths"].as_object().unwrap().keys().collect::<Vec<_>>(), ["/a"]);
        let operation = &narrowed["paths"]["/a"]["get"];
        assert_eq!(operation["parameters"], json!([{ "name": "q", "in": "query" }]));
        assert_eq!(operation["responses"].as_object().unwrap().keys().collect::<Vec<_>>(), ["4XX", "5XX", "200"]);
    }

    #[test]
    fn only_reached_schemas_stay() {
        let narrowed = narrow(&document()).unwrap();
        let names: Vec<_> = narrowed["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["A", "B", "Problem"].map(str::to_owned).to_vec());
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_told() {
        let mut document = document();
        document["components"]["schemas"] = json!({});
        assert!(narrow(&document).unwrap_err().contains("leads nowhere"));
    }
}
