//! The words that arguments may be, so that the program checks and completes what the API knows.

use serde_json::Value;

/// The lists that commands use.
const LISTS: [&str; 4] = ["JobStatus", "ErrorClass", "ExportFormat", "TenantRank"];

/// A file with one constant a list.
///
/// # Errors
/// The document has no such list.
pub fn write(document: &Value) -> Result<String, String> {
    LISTS.iter().map(|name| constant(document, name)).collect()
}

fn constant(document: &Value, name: &str) -> Result<String, String> {
    let words = document["components"]["schemas"][name]["enum"].as_array();
    let words = words.ok_or_else(|| format!("{name} is no list of words in the document"))?;
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    Ok(format!("pub(crate) const {}: [&str; {}] = {words:?};\n", screaming(name), words.len()))
}

fn screaming(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}
