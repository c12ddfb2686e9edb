//! Scopes: carried through poem-openapi in the name of the scheme (`http/scope.rs`), written here as 3.1 has it.

use serde_json::{Value, json};

use super::each_operation;
use crate::http::scope::SCHEME_PREFIX;

/// Turns `{"api_key things:read": []}` into `{"api_key": ["things:read"]}` and says it in the description too.
pub(super) fn name_scopes(document: &mut Value) {
    let scheme = SCHEME_PREFIX.trim_end();
    each_operation(document, |_, _, operation| {
        let security = operation.entry("security").or_insert_with(|| json!([]));
        let first = security.get(0).and_then(Value::as_object).and_then(|first| first.keys().next()).cloned();
        let Some(scope) = first.as_deref().and_then(|name| name.strip_prefix(SCHEME_PREFIX)) else { return };
        security[0] = json!({ scheme: [scope] });
        let or_system = if security.get(1).is_some() { ", or the system key" } else { "" };
        let description = operation.get("description").and_then(Value::as_str).unwrap_or_default();
        let description = format!("{description}\n\nNeeds the scope `{scope}`{or_system}.").trim().to_owned();
        operation.insert("description".to_owned(), json!(description));
    });
}
