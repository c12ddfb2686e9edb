//! The document: that it is the checked-in one, and that every operation says what it must.

use patchbay_api::openapi;
use serde_json::{Value, json};

const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/openapi.json");

/// Operations that anyone may call, because their requests carry a signature.
fn is_signed(operation: &Value) -> bool {
    operation["tags"] == json!(["webhooks"])
}

#[test]
fn the_checked_in_document_is_current() {
    let now = serde_json::to_string_pretty(&openapi::document(openapi::LOCAL_SERVER)).unwrap();
    let checked_in = std::fs::read_to_string(CHECKED_IN).unwrap_or_default();
    assert!(
        checked_in.trim_end() == now,
        "openapi/openapi.json has drifted: run `cargo run -p patchbay-api -- openapi > openapi/openapi.json` and look at the change"
    );
}

#[test]
fn every_operation_says_what_it_must() {
    let document = openapi::document(openapi::LOCAL_SERVER);
    let mut faults = Vec::new();
    let mut ids = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let mut fault = |what: &str| faults.push(format!("{method} {path}: {what}"));
            let id = operation["operationId"].as_str().unwrap_or_default();
            ids.push(id.to_owned());
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            if operation["tags"].as_array().is_none_or(|tags| tags.len() != 1) {
                fault("has not exactly one tag");
            }
            if !id.strip_prefix(tag).is_some_and(|rest| rest.len() > 1 && rest.starts_with('_')) {
                fault("its operationId is not <resource>_<verb>");
            }
            let summary = operation["summary"].as_str().unwrap_or_default();
            if summary.is_empty() || summary.ends_with('.') || summary.len() > 60 {
                fault("its summary is not a few words without a full stop");
            }
            if operation["security"].as_array().is_none_or(Vec::is_empty) && !is_signed(operation) {
                fault("anyone may call it");
            }
            check_answers(operation, &mut fault);
            check_parameters(operation, &mut fault);
            check_bodies(operation, &mut fault);
        }
    }
    ids.sort();
    let unique = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), unique, "two operations share an operationId");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn check_answers(operation: &Value, fault: &mut impl FnMut(&str)) {
    let answers = operation["responses"].as_object().unwrap();
    for status in ["400", "403", "429", "500", "503"] {
        if !answers.contains_key(status) {
            fault(&format!("does not document {status}"));
        }
    }
    let good: Vec<_> = answers.iter().filter(|(status, _)| status.starts_with('2')).collect();
    if good.is_empty() {
        fault("has no good answer");
    }
    for (status, answer) in good {
        if answer["description"].as_str().is_none_or(|text| text.is_empty() && status != "200") {
            fault(&format!("its {status} has no description"));
        }
        for (media, content) in answer["content"].as_object().into_iter().flatten() {
            if media.starts_with("application/json") && content.get("example").is_none() {
                fault(&format!("its {status} has no example"));
            }
        }
    }
}

fn check_parameters(operation: &Value, fault: &mut impl FnMut(&str)) {
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter.get("$ref").is_none() && parameter["description"].as_str().is_none_or(str::is_empty) {
            fault(&format!("its parameter {} is not described", parameter["name"]));
        }
    }
}

fn check_bodies(operation: &Value, fault: &mut impl FnMut(&str)) {
    for (media, content) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
        if media.starts_with("application/json") && content.get("example").is_none() {
            fault("its body has no example");
        }
    }
}

#[test]
fn every_field_is_described() {
    let document = openapi::document(openapi::LOCAL_SERVER);
    let mut faults = Vec::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (property, inner) in schema["properties"].as_object().into_iter().flatten() {
            if inner["description"].as_str().is_none_or(str::is_empty) {
                faults.push(format!("{name}.{property}"));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new(), "fields without a description");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = openapi::document(openapi::LOCAL_SERVER);
    let mut references = Vec::new();
    collect(&document, &mut references);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                references.push(reference.clone());
            }
            fields.values().for_each(|inner| collect(inner, references));
        }
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, references)),
        _ => {}
    }
}

#[test]
fn no_word_of_3_0_is_left() {
    let text = openapi::document(openapi::LOCAL_SERVER).to_string();
    assert!(text.contains("\"openapi\":\"3.1.0\""));
    for word in ["\"nullable\":", "\"exclusiveMinimum\":true", "\"exclusiveMaximum\":true"] {
        assert!(!text.contains(word), "{word}");
    }
}
