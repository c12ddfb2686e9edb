//! What a file's head tells: delimiter, columns, and a few values of each to choose a mapping by.

use super::delimiter;
use super::encoding::Head;
use super::header;
use super::records::{Next, Records};
use super::{Decode, FileError};

/// How many values of a column are shown.
const SAMPLES: usize = 5;

/// How many rows are looked at for them.
const SAMPLE_ROWS: usize = 100;

/// A sample longer than this is cut.
const SAMPLE_CHARS: usize = 80;

/// One column of the file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Its name, unique in the file.
    pub name: String,
    /// Up to five different values that are not empty, in the file's order.
    pub samples: Vec<String>,
}

/// What the head of a file says about all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The name of the encoding, as in the WHATWG Encoding Standard.
    pub encoding: &'static str,
    /// The byte between two fields.
    pub delimiter: u8,
    /// The columns, in order.
    pub columns: Vec<Column>,
}

/// Looks at the head of a file.
///
/// # Errors
/// The file has no header or no rows, or its header cannot be read.
pub fn inspect(head: &Head) -> Result<Inspection, FileError> {
    let mut text = String::new();
    Decode::new(head.encoding).push(&head.bytes, head.is_all, &mut text);
    if text.trim().is_empty() {
        return Err(FileError::Empty);
    }
    let delimiter = delimiter::sniff(&text);
    let mut records = open(&text, delimiter);
    if head.is_all {
        records.end();
    }
    let names = match records.read() {
        Next::Record(record) => header::names(&record)?,
        Next::Need | Next::Broken(..) => return Err(FileError::HeaderUnreadable),
        Next::End => return Err(FileError::Empty),
    };
    records.set_width(names.len());
    let mut columns: Vec<Column> = names.into_iter().map(|name| Column { name, samples: Vec::new() }).collect();
    let mut rows = 0;
    while rows < SAMPLE_ROWS {
        match records.read() {
            Next::Record(record) => columns.iter_mut().zip(record.iter()).for_each(|(column, cell)| keep(column, cell)),
            Next::Broken(..) => {}
            Next::Need | Next::End => break,
        }
        rows += 1;
    }
    // A head without a whole second record is a table only if the file goes on.
    if rows == 0 && head.is_all {
        return Err(FileError::NoRows);
    }
    Ok(Inspection { encoding: head.encoding.name(), delimiter, columns })
}

/// A reader of `text` that stands before the header.
fn open(text: &str, delimiter: u8) -> Records {
    let mut records = Records::new(delimiter);
    let hint = delimiter::named(text).is_some();
    records.push(if hint { text.split_once('\n').map_or("", |(_, rest)| rest) } else { text });
    records
}

fn keep(column: &mut Column, cell: &str) {
    let cell = cell.trim();
    if cell.is_empty() || column.samples.len() == SAMPLES {
        return;
    }
    let sample: String = cell.replace('\0', "\u{FFFD}").chars().take(SAMPLE_CHARS).collect();
    if !column.samples.contains(&sample) {
        column.samples.push(sample);
    }
}
