//! Request bodies are closed: a field that is not documented is refused, and the document says so.
//!
//! `http/schema` refuses it; this pass writes `additionalProperties: false` into every schema that a request body
//! reaches. Schemas that are combined (`allOf`) are left out: closed alone, each would refuse the others' fields.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::each_operation;

/// Closes the objects that request bodies are made of.
pub(super) fn close(document: &mut Value) {
    let mut bodies = Vec::new();
    each_operation(document, |_, _, operation| {
        if let Some(schema) =
            operation.get("requestBody").and_then(|body| body.pointer("/content/application~1json/schema"))
        {
            bodies.push(schema.clone());
        }
    });
    let (mut reached, mut combined) = (BTreeSet::new(), BTreeSet::new());
    for body in &bodies {
        follow(body, &document["components"]["schemas"], &mut reached, &mut combined);
    }
    for name in reached.difference(&combined) {
        let schema = &mut document["components"]["schemas"][name];
        let is_open = schema.get("properties").is_some() && schema.get("additionalProperties").is_none();
        if is_open {
            schema["additionalProperties"] = json!(false);
        }
    }
}

fn follow(schema: &Value, all: &Value, reached: &mut BTreeSet<String>, combined: &mut BTreeSet<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next())
                && reached.insert(name.to_owned())
            {
                follow(&all[name], all, reached, combined);
            }
            let parts = fields.get("allOf").and_then(Value::as_array);
            let objects = parts
                .into_iter()
                .flatten()
                .filter(|part| part.get("$ref").is_some() || part.get("properties").is_some());
            if objects.count() > 1 {
                let names =
                    parts.into_iter().flatten().filter_map(|part| part.get("$ref")?.as_str()?.rsplit('/').next());
                combined.extend(names.map(str::to_owned));
            }
            fields.values().for_each(|inner| follow(inner, all, reached, combined));
        }
        Value::Array(items) => items.iter().for_each(|inner| follow(inner, all, reached, combined)),
        _ => {}
    }
}
