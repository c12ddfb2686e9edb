//! Telling a field with line breaks from a stray quote that has swallowed the rows after it.
//!
//! CSV cannot say which it is; the shape of the swallowed lines can: lines that have as many delimiters as the
//! header are rows, lines of an address or a note are not. Judged from the record's own bytes only, so that the
//! answer does not depend on how the file was cut into chunks.

/// A field with this many lines that look like rows is not believed, even where the field count fits.
const UNLIKELY_LINES: usize = 20;

/// Whether `raw`, one record as the quotes have it, is rather a row with a stray quote and rows after it.
/// `fields` is how many fields it has, `width` how many the header has.
pub(super) fn swallows_rows(raw: &[u8], delimiter: u8, fields: usize, width: usize) -> bool {
    if fields == width && !has_lines(raw, UNLIKELY_LINES) {
        return false;
    }
    let mut lines = raw.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.trim_ascii().is_empty()).peekable();
    if lines.peek().is_none() {
        return false;
    }
    let (mut rows, mut others) = (0_usize, 0_usize);
    for line in lines {
        let delimiters = line.iter().filter(|byte| **byte == delimiter).count();
        if (width..=width * 2).contains(&(delimiters + 1)) {
            rows += 1;
        } else {
            others += 1;
        }
    }
    rows > others
}

fn has_lines(raw: &[u8], at_least: usize) -> bool {
    raw.iter().filter(|byte| **byte == b'\n').nth(at_least).is_some()
}

/// Whether `raw` ends inside a quoted field.
pub(super) fn ends_inside(raw: &[u8], delimiter: u8) -> bool {
    #[derive(PartialEq)]
    enum At {
        Start,
        Bare,
        Quoted,
        Closing,
    }
    let mut at = At::Start;
    for byte in raw {
        at = match (at, *byte) {
            (At::Start, b'"') | (At::Closing, b'"') => At::Quoted,
            (At::Quoted, b'"') => At::Closing,
            (At::Quoted, _) => At::Quoted,
            (_, b) if b == delimiter || b == b'\n' || b == b'\r' => At::Start,
            _ => At::Bare,
        };
    }
    at == At::Quoted
}
