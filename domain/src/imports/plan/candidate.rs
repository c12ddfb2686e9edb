//! A row on its way into a batch, with its texts: they are needed only if it is not taken, and kept as one
//! buffer until then, because most rows are.

use crate::imports::file::Record;
use crate::imports::row::{NewRow, RowError, RowOutcome, RowProblem};

/// The longest text of one field in an errors file, in bytes.
const LONGEST_CELL: usize = 8 * 1024;
/// The longest texts of a row together.
const LONGEST_ROW: usize = 64 * 1024;

/// The texts of a row, cut where they are very long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    text: String,
    ends: Vec<u32>,
}

impl Cells {
    /// Keeps the texts of `record`.
    #[must_use]
    pub fn of(record: &Record<'_>) -> Self {
        let mut cells = Self { text: String::new(), ends: Vec::with_capacity(record.len()) };
        for cell in record.iter() {
            let room = LONGEST_CELL.min(LONGEST_ROW - cells.text.len());
            cells.text.push_str(&cell[..cell.floor_char_boundary(room)]);
            cells.ends.push(u32::try_from(cells.text.len()).unwrap_or(u32::MAX));
        }
        cells
    }

    /// How many bytes it keeps.
    #[must_use]
    pub fn size(&self) -> usize {
        self.text.len() + self.ends.len() * 4
    }

    /// A JSON array of the texts; NUL, which the database does not store, becomes U+FFFD.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut from = 0;
        let cells = self.ends.iter().map(|end| {
            let end = *end as usize;
            let cell = self.text.get(from..end).unwrap_or_default().replace('\0', "\u{FFFD}");
            from = end;
            serde_json::Value::String(cell)
        });
        serde_json::Value::Array(cells.collect()).to_string()
    }
}

/// A row that can be written, if nobody has its addresses.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The header is row 1.
    pub row_number: i32,
    /// What it says.
    pub row: NewRow,
    /// Its texts.
    pub cells: Cells,
}

impl Candidate {
    /// The row as one that is not taken.
    #[must_use]
    pub fn problem(&self, outcome: RowOutcome, error: RowError) -> RowProblem {
        RowProblem { row_number: self.row_number, outcome, error, fields: self.cells.to_json() }
    }
}
