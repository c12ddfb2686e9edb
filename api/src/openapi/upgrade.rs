//! From what poem-openapi writes (3.0) to JSON Schema 2020-12 as OpenAPI 3.1 uses it.
//!
//! - A property that is not required may be null, in requests and in answers: so the types say here.
//! - `nullable` becomes a type, `example` becomes `examples`, exclusive bounds become numbers.
//! - `allOf` with one reference and a description becomes the reference with the description beside it.
//! - Noise goes: `deprecated: false`, and `explode` where nothing can be exploded.

use serde_json::{Map, Value, json};

use super::each_operation;

/// Raises the whole document.
pub(super) fn raise(document: &mut Value) {
    document["openapi"] = json!("3.1.0");
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.values_mut().for_each(schema);
    }
    each_operation(document, |_, _, operation| {
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            tidy(parameter);
        }
        if let Some(content) = operation.get_mut("requestBody").and_then(|body| body.get_mut("content")) {
            media(content);
        }
        for response in
            operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
        {
            if response["description"] == json!("") {
                response["description"] = json!("It is done.");
            }
            if let Some(content) = response.get_mut("content") {
                media(content);
            }
            for header in
                response.get_mut("headers").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
            {
                tidy(header);
            }
        }
    });
}

fn media(content: &mut Value) {
    let Some(types) = content.as_object_mut() else { return };
    if let Some(json) = types.remove("application/json; charset=utf-8") {
        types.insert("application/json".to_owned(), json);
    }
    for media in types.values_mut() {
        schema(&mut media["schema"]);
    }
}

fn tidy(parameter: &mut Value) {
    let Some(fields) = parameter.as_object_mut() else { return };
    let is_list = fields.get("schema").and_then(|schema| schema.get("type")) == Some(&json!("array"));
    if !is_list {
        fields.remove("explode");
    }
    if fields.get("deprecated") == Some(&json!(false)) {
        fields.remove("deprecated");
    }
    if let Some(inner) = fields.get_mut("schema") {
        schema(inner);
    }
}

fn schema(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else { return };
    flatten_reference(fields);
    exclusive(fields, "exclusiveMinimum", "minimum");
    exclusive(fields, "exclusiveMaximum", "maximum");
    if let Some(example) = fields.remove("example") {
        fields.insert("examples".to_owned(), json!([example]));
    }
    if fields.get("format") == Some(&json!("binary")) {
        fields.remove("format");
        fields.insert("contentMediaType".to_owned(), json!("application/octet-stream"));
    }
    if fields.get("type") == Some(&json!("integer")) {
        whole(fields);
    }
    let required = fields.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for (name, property) in fields.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        schema(property);
        if !required.contains(&json!(name)) {
            allow_null(property);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = fields.get_mut(key) {
            schema(inner);
        }
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        fields.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(schema);
    }
    if fields.remove("nullable") == Some(json!(true)) {
        allow_null(value);
    }
}

fn flatten_reference(fields: &mut Map<String, Value>) {
    let Some(parts) = fields.get("allOf").and_then(Value::as_array) else { return };
    let [reference, beside] = parts.as_slice() else { return };
    if reference.get("$ref").is_none() || beside.get("type").is_some() || beside.get("$ref").is_some() {
        return;
    }
    let reference = reference["$ref"].clone();
    fields.remove("allOf");
    fields.insert("$ref".to_owned(), reference);
}

/// poem-openapi writes every bound as a float: `100.0`.
fn whole(fields: &mut Map<String, Value>) {
    for key in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"] {
        let text = fields
            .get(key)
            .and_then(Value::as_f64)
            .filter(|bound| bound.fract() == 0.0)
            .map(|bound| format!("{bound:.0}"));
        if let Some(bound) = text.and_then(|text| text.parse::<i64>().ok()) {
            fields.insert(key.to_owned(), json!(bound));
        }
    }
}

fn exclusive(fields: &mut Map<String, Value>, flag: &str, bound: &str) {
    if let Some(exclusive) = fields.remove(flag)
        && exclusive == json!(true)
        && let Some(limit) = fields.remove(bound)
    {
        fields.insert(flag.to_owned(), limit);
    }
}

/// The same schema, or null. A description stays outside, where readers look for it.
fn allow_null(value: &mut Value) {
    let Some(fields) = value.as_object_mut() else { return };
    match fields.get("type").cloned() {
        Some(Value::String(kind)) => {
            fields.insert("type".to_owned(), json!([kind, "null"]));
            if let Some(Value::Array(items)) = fields.get_mut("enum") {
                items.push(Value::Null);
            }
        }
        Some(_) => {}
        None if ["$ref", "oneOf", "anyOf"].iter().any(|key| fields.contains_key(*key)) => {
            let mut outer = Map::new();
            for key in ["description", "default", "deprecated", "readOnly", "writeOnly"] {
                if let Some(kept) = fields.remove(key) {
                    outer.insert(key.to_owned(), kept);
                }
            }
            let inner = std::mem::take(fields);
            outer.insert("anyOf".to_owned(), json!([inner, { "type": "null" }]));
            *fields = outer;
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(value: Value) -> Value {
        let mut value = value;
        schema(&mut value);
        value
    }

    #[test]
    fn what_is_not_required_may_be_null() {
        let value = raised(json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "string"}, "b": {"type": "string", "enum": ["x"]},
            "c": {"allOf": [{"$ref": "#/c"}, {"description": "It."}], "description": "It."}, "d": {},
        }}));
        assert_eq!(value["properties"]["a"], json!({"type": "string"}));
        assert_eq!(value["properties"]["b"], json!({"type": ["string", "null"], "enum": ["x", null]}));
        assert_eq!(
            value["properties"]["c"],
            json!({"description": "It.", "anyOf": [{"$ref": "#/c"}, {"type": "null"}]})
        );
        assert_eq!(value["properties"]["d"], json!({}), "anything includes null");
    }

    #[test]
    fn exclusive_bounds_become_numbers_and_examples_a_list() {
        let value = raised(
            json!({"type": "number", "minimum": 0.0, "exclusiveMinimum": true, "maximum": 1.0, "exclusiveMaximum": false, "example": 0.5}),
        );
        assert_eq!(value, json!({"type": "number", "exclusiveMinimum": 0.0, "maximum": 1.0, "examples": [0.5]}));
    }
}
