//! The errors file: the rows that were not taken, as CSV, each with its reason and its own fields, so that they can be
//! repaired in place and uploaded again. Reading a file takes the marks off again that
//! [`spreadsheet`](crate::spreadsheet) puts in front of what looks like a formula.

use serde_json::Value;

use super::file::Column;
use super::store::Problem;
use crate::spreadsheet::push;

/// The columns before the file's own.
const OURS: [&str; 5] = ["row_number", "outcome", "column", "code", "detail"];

/// The header line of the errors file of a file with `columns`. A byte-order mark makes spreadsheets read UTF-8.
#[must_use]
pub fn header(columns: &[Column]) -> String {
    let mut line = String::from("\u{FEFF}");
    line.push_str(&OURS.join(","));
    for column in columns {
        push(&mut line, &column.name);
    }
    line.push_str("\r\n");
    line
}

/// The line of one row.
#[must_use]
pub fn line(problem: &Problem) -> String {
    let mut line = problem.row_number.to_string();
    for text in [&problem.outcome, problem.column_name.as_deref().unwrap_or_default(), &problem.code, &problem.detail] {
        push(&mut line, text);
    }
    for cell in problem.fields.as_array().into_iter().flatten().filter_map(Value::as_str) {
        push(&mut line, cell);
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn problem(fields: &[&str]) -> Problem {
        Problem {
            row_number: 7,
            outcome: "failed".into(),
            column_name: Some("Phone".into()),
            code: "phone_too_short".into(),
            detail: "the phone number is too short, for its country".into(),
            fields: json!(fields),
        }
    }

    #[test]
    fn a_row_keeps_its_fields_and_gets_its_reason() {
        let line = line(&problem(&["Ann \"A\" Lee", "12"]));
        let detail = "\"the phone number is too short, for its country\"";
        assert_eq!(line, format!("7,failed,Phone,phone_too_short,{detail},\"Ann \"\"A\"\" Lee\",12\r\n"));
    }

    #[test]
    fn no_cell_starts_a_formula() {
        for cell in ["=1+1", "+44 7911", "-2", "@SUM(A1)", "\t=1", "\r=1"] {
            assert!(line(&problem(&[cell])).contains(",\"'"), "{cell:?}");
        }
        assert!(header(&[Column { name: "=x".into(), samples: vec![] }]).ends_with(",\"'=x\"\r\n"));
    }
}
