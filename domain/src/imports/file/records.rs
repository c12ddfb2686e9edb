//! Records out of UTF-8 text that arrives in pieces.
//!
//! `csv-core` does the CSV; around it stand the two things that a streamed import of strangers' files needs: a
//! cap on the size of a record, and a way back from a stray quote, which in plain CSV swallows the rest of the
//! file. The bytes of the record in work are kept, so that after such a quote reading goes on at the next line
//! and only the line with the quote is lost (and reported).
//! Which records come out depends on the bytes alone, never on where the pieces were cut: a resumed import skips
//! the rows it has done by counting.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::quotes;

/// A record larger than this is an error of its row. (The largest field that an import takes is far smaller.)
pub const MAX_RECORD_BYTES: usize = 2 * 1024 * 1024;

/// What [`Records::read`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<'r> {
    /// The text so far has no whole record: push more, or say that it ends.
    Need,
    /// A record.
    Record(Record<'r>),
    /// A record that cannot be trusted; reading goes on after it.
    Broken(Broken, Record<'r>),
    /// No more records.
    End,
}

/// Why a record cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A quote is opened and not closed, or closed only in another row.
    UnterminatedQuote,
    /// It has more than [`MAX_RECORD_BYTES`] bytes.
    TooLarge,
}

/// One record's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'r> {
    text: &'r str,
    ends: &'r [usize],
}

impl<'r> Record<'r> {
    /// How many fields it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has no field at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The field at `index`; empty where the record is shorter.
    #[must_use]
    pub fn field(&self, index: usize) -> &'r str {
        let Some(end) = self.ends.get(index) else {
            return "";
        };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..*end).unwrap_or_default()
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &'r str> + '_ {
        (0..self.ends.len()).map(|index| self.field(index))
    }
}

/// The incremental reader.
pub struct Records {
    csv: Reader,
    delimiter: u8,
    width: Option<usize>,
    input: Vec<u8>,
    /// Where in `input` the record in work starts, and how far it is parsed.
    start: usize,
    parsed: usize,
    ended: bool,
    /// The record in work is over the cap and is passed over.
    discarding: bool,
    out: Vec<u8>,
    out_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
}

impl Records {
    /// A reader of records separated by `delimiter`.
    #[must_use]
    pub fn new(delimiter: u8) -> Self {
        Self {
            csv: ReaderBuilder::new().delimiter(delimiter).build(),
            delimiter,
            width: None,
            input: Vec::new(),
            start: 0,
            parsed: 0,
            ended: false,
            discarding: false,
            out: vec![0; 4096],
            out_len: 0,
            ends: vec![0; 64],
            ends_len: 0,
        }
    }

    /// Says how many columns the header has: from here on stray quotes can be told from line breaks in fields.
    pub fn set_width(&mut self, columns: usize) {
        self.width = Some(columns);
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) {
        let done = self.start;
        self.input.drain(..done);
        self.parsed -= done;
        self.start = 0;
        self.input.extend_from_slice(text.as_bytes());
    }

    /// Says that no text follows.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next record.
    pub fn read(&mut self) -> Next<'_> {
        loop {
            self.skip_line_ends();
            let cap = if self.discarding { self.input.len() } else { self.start + MAX_RECORD_BYTES };
            let until = self.input.len().min(cap);
            let at_end = self.ended && self.parsed == self.input.len();
            if self.parsed == until && !at_end {
                if until == self.input.len() {
                    return Next::Need;
                }
                return self.over_the_cap();
            }
            let (result, read, wrote, ended) = self.csv.read_record(
                &self.input[self.parsed..until],
                &mut self.out[self.out_len..],
                &mut self.ends[self.ends_len..],
            );
            self.parsed += read;
            self.out_len += wrote;
            self.ends_len += ended;
            if self.discarding && !matches!(result, ReadRecordResult::Record | ReadRecordResult::End) {
                (self.out_len, self.ends_len) = (0, 0);
                continue;
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.out.resize(self.out.len() * 2 + 64, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2 + 16, 0),
                ReadRecordResult::Record if self.discarding => self.restart_at(self.parsed),
                ReadRecordResult::Record => return self.finish_record(at_end),
                ReadRecordResult::End => return Next::End,
            }
        }
    }

    /// Line ends before a record are not part of it: what follows judges a record by its lines.
    fn skip_line_ends(&mut self) {
        while self.parsed == self.start && matches!(self.input.get(self.start), Some(b'\n' | b'\r')) {
            self.start += 1;
            self.parsed += 1;
        }
    }

    fn finish_record(&mut self, at_end: bool) -> Next<'_> {
        let raw = &self.input[self.start..self.parsed];
        let quoted = raw.contains(&b'"');
        let open = quoted && at_end && quotes::ends_inside(raw, self.delimiter);
        let fields = if open { usize::MAX } else { self.ends_len };
        let swallows = |width| quotes::swallows_rows(raw.trim_ascii_end(), self.delimiter, fields, width);
        if quoted && self.width.is_some_and(swallows) {
            return self.back_to_next_line();
        }
        self.start = self.parsed;
        if open { Next::Broken(Broken::UnterminatedQuote, self.taken()) } else { Next::Record(self.taken()) }
    }

    fn over_the_cap(&mut self) -> Next<'_> {
        let raw = &self.input[self.start..self.parsed];
        let inside = quotes::ends_inside(raw, self.delimiter);
        let swallows = |width| quotes::swallows_rows(raw, self.delimiter, usize::MAX, width);
        if inside && self.width.is_some_and(swallows) {
            return self.back_to_next_line();
        }
        self.discarding = true;
        let kept = self.taken_so_far();
        self.start = self.parsed;
        (self.out_len, self.ends_len) = (0, 0);
        Next::Broken(Broken::TooLarge, Record { text: text_of(&self.out[..kept.0]), ends: &self.ends[..kept.1] })
    }

    /// What of an oversized record is shown: the fields that ended before the cap.
    fn taken_so_far(&self) -> (usize, usize) {
        let ends = self.ends_len;
        (ends.checked_sub(1).map_or(0, |last| self.ends[last]), ends)
    }

    /// Gives up the line that the record starts on, and goes on after it.
    fn back_to_next_line(&mut self) -> Next<'_> {
        let raw = &self.input[self.start..self.parsed];
        let line = raw.iter().position(|byte| *byte == b'\n').map_or(raw.len(), |at| at + 1);
        let next = self.start + line;
        (self.out_len, self.ends_len) = (0, 0);
        for field in raw[..line].trim_ascii_end().split(|byte| *byte == self.delimiter) {
            self.out.truncate(self.out_len);
            self.out.extend_from_slice(field);
            self.out_len = self.out.len();
            self.ends.truncate(self.ends_len);
            self.ends.push(self.out_len);
            self.ends_len += 1;
        }
        self.csv.reset();
        (self.start, self.parsed) = (next, next);
        Next::Broken(Broken::UnterminatedQuote, self.taken())
    }

    fn restart_at(&mut self, next: usize) {
        self.discarding = false;
        self.start = next;
        (self.out_len, self.ends_len) = (0, 0);
    }

    /// The record in the output buffers; the next one starts from empty buffers.
    fn taken(&mut self) -> Record<'_> {
        let (out, ends) = (std::mem::take(&mut self.out_len), std::mem::take(&mut self.ends_len));
        Record { text: text_of(&self.out[..out]), ends: &self.ends[..ends] }
    }
}

/// Delimiters and quotes are ASCII, so that what stands between them is UTF-8 where the text was.
fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
