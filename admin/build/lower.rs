//! From OpenAPI 3.1 to 3.0, as far as our own document goes: what `api/src/openapi/upgrade.rs` did, undone.
//!
//! Two things are dropped on purpose. Bounds and patterns: the API checks them and says so better. And the lists of
//! words: a word that a newer API knows must not keep an older program from showing the rest, so a word is a string.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What a string may still be, because it has a type of its own.
const STRINGS: [&str; 1] = ["date-time"];

/// What a generated type is made of. Anything else in a schema is about documentation or checks.
const KEPT: [&str; 9] =
    ["$ref", "type", "format", "description", "required", "properties", "items", "additionalProperties", "nullable"];

/// Lowers the whole document.
pub fn lower(document: &mut Value) {
    document["openapi"] = json!("3.0.3");
    let mut inline = BTreeMap::new();
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, schema| {
            let plain = if schema.get("enum").is_some() {
                json!({ "type": "string" })
            } else if schema.get("oneOf").is_some() {
                json!({})
            } else {
                return true;
            };
            inline.insert(format!("#/components/schemas/{name}"), plain);
            false
        });
    }
    put_inline(document, &inline);
    each_schema(document);
    for schema in document["components"]["schemas"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        *schema = lowered(schema);
    }
}

/// Puts what is plain where it is referred to: a type of its own would only be in the way.
fn put_inline(value: &mut Value, inline: &BTreeMap<String, Value>) {
    if let Some(plain) = value.get("$ref").and_then(Value::as_str).and_then(|reference| inline.get(reference)) {
        *value = plain.clone();
        return;
    }
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|inner| put_inline(inner, inline)),
        Value::Array(items) => items.iter_mut().for_each(|inner| put_inline(inner, inline)),
        _ => {}
    }
}

/// Finds the schemas of parameters and bodies, wherever they are.
fn each_schema(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                match name.as_str() {
                    "schema" => *inner = lowered(inner),
                    "schemas" => {}
                    "examples" | "example" => *inner = Value::Null,
                    _ => each_schema(inner),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(each_schema),
        _ => {}
    }
}

fn lowered(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else { return json!({}) };
    if let Some(reference) = fields.get("$ref") {
        return json!({ "$ref": reference });
    }
    let mut fields = fields.clone();
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(Value::Array(choices)) = fields.remove(key) {
            return combined(&choices, fields.get("description"));
        }
    }
    if fields.contains_key("const") || fields.contains_key("enum") {
        fields.entry("type").or_insert_with(|| json!("string"));
    }
    take_null_out(&mut fields);
    fields.retain(|name, _| KEPT.contains(&name.as_str()));
    if fields.get("type") == Some(&json!("string"))
        && !fields.get("format").and_then(Value::as_str).is_some_and(|format| STRINGS.contains(&format))
    {
        fields.remove("format");
    }
    if fields.get("additionalProperties") == Some(&json!(false)) {
        // A newer API says more, and an older program must be able to read it.
        fields.remove("additionalProperties");
    }
    for inner in fields.get_mut("properties").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        *inner = lowered(inner);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(key).filter(|inner| inner.is_object()) {
            *inner = lowered(inner);
        }
    }
    Value::Object(fields)
}

/// A choice; one with null is the other, nullable.
fn combined(choices: &[Value], description: Option<&Value>) -> Value {
    let is_null = |choice: &&Value| choice["type"] == json!("null");
    let nullable = choices.iter().any(|choice| is_null(&choice));
    let rest: Vec<Value> = choices.iter().filter(|choice| !is_null(choice)).map(lowered).collect();
    let mut combined = match rest.as_slice() {
        [only] if !nullable => return only.clone(),
        [only] if only.get("$ref").is_none() => only.clone(),
        [_] => json!({ "allOf": rest }),
        // Which of several it is, no table asks: it may be anything.
        _ => json!({}),
    };
    if nullable {
        combined["nullable"] = json!(true);
    }
    if let Some(description) = description {
        combined["description"] = description.clone();
    }
    combined
}

fn take_null_out(fields: &mut Map<String, Value>) {
    let Some(types) = fields.get("type").and_then(Value::as_array) else { return };
    let rest: Vec<Value> = types.iter().filter(|kind| **kind != json!("null")).cloned().collect();
    let nullable = rest.len() < types.len();
    match rest.as_slice() {
        [only] => fields.insert("type".to_owned(), only.clone()),
        // Several types have no word in 3.0: it may be anything.
        _ => fields.remove("type"),
    };
    if nullable {
        fields.insert("nullable".to_owned(), json!(true));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_becomes_nullable() {
        assert_eq!(lowered(&json!({ "type": ["string", "null"] })), json!({ "type": "string", "nullable": true }));
        let choice = json!({ "anyOf": [{ "$ref": "#/a" }, { "type": "null" }], "description": "It." });
        let expected = json!({ "allOf": [{ "$ref": "#/a" }], "nullable": true, "description": "It." });
        assert_eq!(lowered(&choice), expected);
        assert_eq!(lowered(&json!({ "type": ["string", "integer"] })), json!({}), "anything");
        let union = json!({ "anyOf": [{ "oneOf": [{ "$ref": "#/a" }, { "$ref": "#/b" }] }, { "type": "null" }] });
        assert_eq!(lowered(&union), json!({ "nullable": true }), "one of several is anything");
    }

    #[test]
    fn words_and_constants_become_strings() {
        assert_eq!(lowered(&json!({ "type": "string", "enum": ["a"] })), json!({ "type": "string" }));
        assert_eq!(lowered(&json!({ "const": "a" })), json!({ "type": "string" }));
        let nullable = json!({ "type": ["string", "null"], "enum": ["a", null] });
        assert_eq!(lowered(&nullable), json!({ "type": "string", "nullable": true }));
    }

    #[test]
    fn bounds_patterns_and_examples_go_and_times_stay() {
        let time = json!({ "type": "string", "format": "date-time", "examples": ["2026-11-21T09:30:00Z"] });
        assert_eq!(lowered(&time), json!({ "type": "string", "format": "date-time" }));
        let id = json!({ "type": "string", "format": "typeid", "pattern": "^job_", "maxLength": 30 });
        assert_eq!(lowered(&id), json!({ "type": "string" }));
        let count = json!({ "type": "integer", "format": "uint64", "minimum": 0, "default": 5 });
        assert_eq!(lowered(&count), json!({ "type": "integer", "format": "uint64" }));
    }

    #[test]
    fn what_an_api_adds_later_is_allowed() {
        let closed = json!({ "type": "object", "additionalProperties": false, "properties": { "a": { "const": 1 } } });
        assert_eq!(lowered(&closed), json!({ "type": "object", "properties": { "a": { "type": "string" } } }));
    }

    #[test]
    fn parameters_and_bodies_are_lowered_too() {
        let words = json!({ "$ref": "#/components/schemas/Word" });
        let mut document = json!({ "openapi": "3.1.0",
            "components": { "schemas": { "A": { "type": ["string", "null"] }, "Word": { "type": "string", "enum": ["a"] } } },
            "paths": { "/a": { "get": { "parameters": [
                { "name": "q", "schema": { "type": "string", "pattern": "x" } }, { "name": "w", "schema": words }] } } } });
        lower(&mut document);
        assert_eq!(document["openapi"], "3.0.3");
        let parameters = &document["paths"]["/a"]["get"]["parameters"];
        assert_eq!(parameters[0]["schema"], json!({ "type": "string" }));
        assert_eq!(parameters[1]["schema"], json!({ "type": "string" }));
        assert_eq!(document["components"]["schemas"].as_object().unwrap().len(), 1);
        assert_eq!(document["components"]["schemas"]["A"]["nullable"], true);
    }
}
