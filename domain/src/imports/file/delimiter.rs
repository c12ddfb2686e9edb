//! Which sign separates the fields: the one with which the first records agree best on a number of columns.
//!
//! Counting signs would choose the comma of `12,50` in a German file; agreeing on columns does not.

use super::records::{Next, Records};

/// The separators that exports use, in the order that decides a draw.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How many records vote.
const RECORDS: usize = 50;

/// The delimiter of `text`, the head of a file; a comma where the file has one column.
pub(super) fn sniff(text: &str) -> u8 {
    if let Some(named) = named(text) {
        return named;
    }
    let mut best = (0, 1, b',');
    for delimiter in CANDIDATES {
        let (agreement, columns) = score(text, delimiter);
        if columns > 1 && (agreement, columns) > (best.0, best.1) {
            best = (agreement, columns, delimiter);
        }
    }
    best.2
}

/// Excel's own hint: a first line `sep=;`.
pub(super) fn named(text: &str) -> Option<u8> {
    let line = text.lines().next()?.trim_end();
    match line.strip_prefix("sep=")?.as_bytes() {
        [delimiter] if delimiter.is_ascii() => Some(*delimiter),
        _ => None,
    }
}

/// How many percent of the records have as many columns as the first, in steps of ten, and that number.
fn score(text: &str, delimiter: u8) -> (usize, usize) {
    let mut records = Records::new(delimiter);
    records.push(text);
    records.end();
    let (mut first, mut same, mut all) = (0, 0, 0);
    while all < RECORDS
        && let Next::Record(record) | Next::Broken(_, record) = records.read()
    {
        if all == 0 {
            first = record.len();
        }
        all += 1;
        same += usize::from(record.len() == first);
    }
    ((same * 10).checked_div(all).unwrap_or(0), first)
}
