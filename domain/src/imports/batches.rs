//! Bytes in, batches of rows out: decoding, records, rows and row numbers in one place, without a database.
//!
//! It runs on a thread of its own beside the writing, because reading phone numbers is computing; whoever drives it
//! brings the bytes. A batch is bounded in rows and in bytes, so that what a worker holds does not depend on the
//! file. The rows that an earlier run has written are passed over by count: same bytes, same records.

use super::file::{Broken, Decode, MAX_RECORD_BYTES, Next, Record, Records};
use super::plan::{Candidate, Cells};
use super::row::{RowError, RowOutcome, RowProblem, RowReader};
use super::write::Batch;

/// The most rows of a batch: enough that a statement's fixed cost does not show.
const BATCH_ROWS: i32 = 2_000;
/// The most bytes of texts of a batch.
const BATCH_BYTES: usize = 1024 * 1024;

/// Reads a file piece by piece.
pub struct Batches {
    decode: Decode,
    records: Records,
    /// None only counts.
    reader: Option<RowReader>,
    text: String,
    has_header: bool,
    /// Rows read so far, and how many of them an earlier run has done.
    rows: i32,
    done: i32,
    batch: Batch,
    batch_bytes: usize,
}

impl Batches {
    /// Reads rows after the first `done`, each with `reader`.
    #[must_use]
    pub fn new(decode: Decode, delimiter: u8, reader: RowReader, done: i32) -> Self {
        Self::with(decode, delimiter, Some(reader), done)
    }

    /// Counts rows and reads none.
    #[must_use]
    pub fn counting(decode: Decode, delimiter: u8) -> Self {
        Self::with(decode, delimiter, None, 0)
    }

    fn with(decode: Decode, delimiter: u8, reader: Option<RowReader>, done: i32) -> Self {
        Self {
            decode,
            records: Records::new(delimiter),
            reader,
            text: String::new(),
            has_header: false,
            rows: 0,
            done,
            batch: Batch { done_before: done, ..Batch::default() },
            batch_bytes: 0,
        }
    }

    /// How many rows have been read.
    #[must_use]
    pub fn rows(&self) -> i32 {
        self.rows
    }

    /// Takes the next bytes; gives each full batch to `full`, and goes on while that returns true.
    pub fn push(&mut self, piece: &[u8], full: &mut impl FnMut(Batch) -> bool) -> bool {
        self.feed(piece, false, full)
    }

    /// Says that the file ends here, and gives what is left to `full`.
    pub fn end(&mut self, full: &mut impl FnMut(Batch) -> bool) -> bool {
        self.feed(&[], true, full) && (self.batch.rows == 0 || full(self.take()))
    }

    fn feed(&mut self, piece: &[u8], last: bool, full: &mut impl FnMut(Batch) -> bool) -> bool {
        self.text.clear();
        self.decode.push(piece, last, &mut self.text);
        self.records.push(&self.text);
        if last {
            self.records.end();
        }
        loop {
            let (broken, record) = match self.records.read() {
                Next::Need | Next::End => return true,
                Next::Record(record) => (None, record),
                Next::Broken(why, record) => (Some(why), record),
            };
            if !self.has_header {
                // Excel's `sep=;` line stands before the header.
                if !(record.len() <= 2 && record.field(0).starts_with("sep=")) {
                    let width = record.len();
                    self.has_header = true;
                    self.records.set_width(width);
                }
                continue;
            }
            self.rows += 1;
            let Some(reader) = self.reader.as_ref().filter(|_| self.rows > self.done) else { continue };
            let cells = Cells::of(&record);
            self.batch_bytes += cells.size();
            // The header is row 1.
            place(&mut self.batch, reader, self.rows + 1, broken, &record, cells);
            let is_full = self.batch.rows == BATCH_ROWS || self.batch_bytes >= BATCH_BYTES;
            if is_full && !full(self.take()) {
                return false;
            }
        }
    }

    fn take(&mut self) -> Batch {
        self.batch_bytes = 0;
        let next = Batch { done_before: self.batch.done_before + self.batch.rows, ..Batch::default() };
        std::mem::replace(&mut self.batch, next)
    }
}

fn place(
    batch: &mut Batch,
    reader: &RowReader,
    row_number: i32,
    broken: Option<Broken>,
    record: &Record<'_>,
    cells: Cells,
) {
    batch.rows += 1;
    let read = match broken {
        Some(why) => Err(broken_row(why)),
        None => reader.read(record),
    };
    let problem = |outcome, error| RowProblem { row_number, outcome, error, fields: cells.to_json() };
    match read {
        Ok(Some(row)) => batch.candidates.push(Candidate { row_number, row, cells }),
        Ok(None) => {
            let empty = RowError::row("row_empty", "the row has no values");
            batch.problems.push(problem(RowOutcome::Skipped, empty));
        }
        Err(error) => batch.problems.push(problem(RowOutcome::Failed, error)),
    }
}

fn broken_row(why: Broken) -> RowError {
    match why {
        Broken::UnterminatedQuote => RowError::row(
            "unterminated_quote",
            "a quote is opened in this row and not closed; put two quotes for one inside a field, or remove it",
        ),
        Broken::TooLarge => {
            let limit = MAX_RECORD_BYTES / 1024 / 1024;
            RowError::row("row_too_large", format!("the row is larger than {limit} MiB"))
        }
    }
}
