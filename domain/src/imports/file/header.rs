//! Is the first row a header, and what are the columns called?
//!
//! Importing a file without header would take its first person for names of columns and lose them, so a first
//! row that looks like data is refused. Names are made unique here, because a mapping refers to columns by name.

use std::collections::HashSet;

use super::FileError;
use super::records::Record;
use crate::email::Email;

/// More columns than any list of leads has.
const MOST_COLUMNS: usize = 1000;

/// The names of the columns, each once: `Phone`, `Phone (2)`; a column without name is `Column 3`.
pub(super) fn names(record: &Record<'_>) -> Result<Vec<String>, FileError> {
    if record.len() > MOST_COLUMNS {
        return Err(FileError::TooManyColumns(record.len()));
    }
    if let Some(cell) = data(record) {
        return Err(FileError::NoHeader(cell.chars().take(40).collect()));
    }
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(record.len());
    for (index, cell) in record.iter().enumerate() {
        let cell: String = cell.split_whitespace().collect::<Vec<_>>().join(" ");
        let base = if cell.is_empty() { format!("Column {}", index + 1) } else { cell.replace('\0', "") };
        let mut name = base.clone();
        let mut copy = 2;
        while !seen.insert(name.clone()) {
            name = format!("{base} ({copy})");
            copy += 1;
        }
        names.push(name);
    }
    Ok(names)
}

/// The cell that shows a first row to be data: an address, a phone number, or nothing but numbers.
fn data<'r>(record: &Record<'r>) -> Option<&'r str> {
    let address = record.iter().find(|cell| Email::parse(cell).is_ok() || is_phone_like(cell));
    let numbers = || record.iter().filter(|cell| !cell.trim().is_empty()).all(is_number);
    address.or_else(|| record.iter().find(|cell| !cell.trim().is_empty()).filter(|_| numbers()))
}

fn is_phone_like(cell: &str) -> bool {
    let digits = cell.chars().filter(|c| c.is_numeric()).count();
    digits >= 7 && cell.chars().all(|c| c.is_numeric() || c.is_whitespace() || "+-().'/".contains(c))
}

fn is_number(cell: &str) -> bool {
    cell.trim().parse::<f64>().is_ok()
}
