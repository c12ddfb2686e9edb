//! Text as PostgreSQL takes it: any, but for the NUL character, which neither `text` nor `jsonb` can hold.
//!
//! What a handler says comes from anywhere (a provider's answer, a file), and its end must be written nevertheless.

use serde_json::Value;

/// What stands in the place of what cannot be written.
const INSTEAD: &str = "\u{fffd}";

/// The text without NUL.
pub(crate) fn writable(text: String) -> String {
    if text.contains('\0') { text.replace('\0', INSTEAD) } else { text }
}

/// The same, for all text in a value: its strings, and the names of its fields.
pub(crate) fn writable_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(writable(text)),
        Value::Array(values) => Value::Array(values.into_iter().map(writable_json).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (writable(name), writable_json(value))).collect())
        }
        plain => plain,
    }
}
