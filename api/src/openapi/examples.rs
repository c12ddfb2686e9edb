//! Puts each type's example where readers look for it: on request bodies and on answers.
//!
//! Examples are values of the types themselves (`#[oai(example)]`), so they cannot show a field that is not there.

use serde_json::{Map, Value, json};

use super::each_operation;

/// Adds `example` to every body that has a schema with one.
pub(super) fn add(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    each_operation(document, |_, _, operation| {
        if let Some(content) = operation.get_mut("requestBody").and_then(|body| body.get_mut("content")) {
            fill(content, &schemas);
        }
        for response in
            operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
        {
            if let Some(content) = response.get_mut("content") {
                fill(content, &schemas);
            }
        }
    });
}

fn fill(content: &mut Value, schemas: &Value) {
    for media in content.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let has_one = media.get("example").is_some() || media.get("examples").is_some();
        if !has_one && let Some(example) = example_of(&media["schema"], schemas, 0) {
            media["example"] = example;
        }
    }
}

/// The example of a schema: its own, or one put together from its parts.
fn example_of(schema: &Value, schemas: &Value, depth: usize) -> Option<Value> {
    if depth > 8 {
        return None;
    }
    if let Some(own) = schema.pointer("/examples/0").or_else(|| schema.get("default")) {
        return Some(own.clone());
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next()) {
        return example_of(&schemas[name], schemas, depth + 1);
    }
    if let Some(first) = schema.pointer("/enum/0") {
        return Some(first.clone());
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(first) = schema.get(key).and_then(|variants| variants.get(0)) {
            return example_of(first, schemas, depth + 1);
        }
    }
    match kind(schema) {
        "object" => {
            let properties = schema.get("properties").and_then(Value::as_object)?;
            let filled = properties
                .iter()
                .filter_map(|(name, inner)| Some((name.clone(), example_of(inner, schemas, depth + 1)?)));
            Some(Value::Object(filled.collect()))
        }
        "array" => Some(Value::Array(example_of(&schema["items"], schemas, depth + 1).into_iter().collect())),
        "boolean" => Some(json!(false)),
        "integer" | "number" => Some(schema.get("minimum").cloned().unwrap_or_else(|| json!(0))),
        _ if is_nullable(schema) => Some(Value::Null),
        _ => None,
    }
}

fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    }
}

fn is_nullable(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&json!("null")))
}
