//! Cells of CSV files that people open in a spreadsheet.
//!
//! A spreadsheet runs a cell that starts with `=`, `+`, `-`, `@` as a formula, and the cells are strangers' texts:
//! such a cell gets a `'` in front (OWASP, "CSV Injection").

/// Adds a delimiter and a cell.
pub fn push(line: &mut String, cell: &str) {
    line.push(',');
    let marked = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = marked || cell.contains(['"', ',', ';', '\n', '\r', '\t']) || cell.trim() != cell;
    if !quoted {
        line.push_str(cell);
        return;
    }
    line.push('"');
    if marked {
        line.push('\'');
    }
    line.push_str(&cell.replace('"', "\"\""));
    line.push('"');
}
