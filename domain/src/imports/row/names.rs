//! Splitting a full name, and giving text fields one form.

/// The longest value of a field with a fixed meaning, in characters.
pub(super) const LONGEST_TEXT: usize = 500;

/// Trimmed, inner runs of white space as one space, an errors file's `'` mark taken off; none where empty.
pub(super) fn text(cell: &str) -> Option<String> {
    let cell = unmarked(cell.trim());
    if cell.is_empty() {
        return None;
    }
    if !cell.contains(|c: char| c.is_whitespace() && c != ' ') && !cell.contains("  ") {
        return Some(cell.to_owned());
    }
    Some(cell.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Errors files put `'` before what a spreadsheet would run as a formula; a repaired file comes back with it.
pub(super) fn unmarked(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
        _ => cell,
    }
}

/// First and last name: `Last, First`, else the last word is the family name.
pub(super) fn split(full: &str) -> (Option<String>, Option<String>) {
    if let Some((last, first)) = full.split_once(',') {
        return (text(first), text(last));
    }
    match full.rsplit_once(' ') {
        Some((first, last)) => (text(first), text(last)),
        None => (text(full), None),
    }
}
