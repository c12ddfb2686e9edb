//! Which encoding a file is in, decided over the whole of it while it passes by.
//!
//! The head alone misleads: a Latin-1 file whose first accent comes after a megabyte looks like UTF-8. So every
//! byte is checked; UTF-8 wins if it fits (or nearly fits: a few damaged rows must not turn a whole UTF-8 file
//! into mojibake), else `chardetng`, the detector of Firefox, guesses the legacy encoding.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::FileError;

/// How much of a file's start is kept for columns and samples.
pub const HEAD_BYTES: usize = 256 * 1024;

/// How many bytes that are not UTF-8 the guess of a legacy encoding rests on.
const GUESS_BYTES: usize = 4 * 1024 * 1024;

/// A file's encoding and first bytes.
#[derive(Debug)]
pub struct Head {
    /// The encoding of all of it.
    pub encoding: &'static Encoding,
    /// The first [`HEAD_BYTES`] bytes.
    pub bytes: Vec<u8>,
    /// Whether that is the whole file.
    pub is_all: bool,
}

/// Looks at a file piece by piece.
pub struct EncodingScan {
    head: Vec<u8>,
    size: u64,
    /// The start of a UTF-8 sequence that the last piece broke off.
    carry: Vec<u8>,
    multibyte: u64,
    damaged: u64,
    guessed_from: usize,
    detector: EncodingDetector,
}

impl Default for EncodingScan {
    fn default() -> Self {
        Self {
            head: Vec::new(),
            size: 0,
            carry: Vec::new(),
            multibyte: 0,
            damaged: 0,
            guessed_from: 0,
            detector: EncodingDetector::new(Iso2022JpDetection::Deny),
        }
    }
}

impl EncodingScan {
    /// Looks at the next bytes of the file.
    pub fn feed(&mut self, piece: &[u8]) {
        self.size += piece.len() as u64;
        let room = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&piece[..piece.len().min(room)]);
        self.detect(piece);
        if piece.is_ascii() && self.carry.is_empty() {
            return;
        }
        self.check_utf8(piece);
    }

    /// From the first byte that is not ASCII on, a fixed number of bytes: however the file is cut.
    fn detect(&mut self, piece: &[u8]) {
        let first = if self.guessed_from == 0 { piece.iter().position(|byte| !byte.is_ascii()) } else { Some(0) };
        let Some(first) = first else { return };
        let telling = &piece[first..];
        let telling = &telling[..telling.len().min(GUESS_BYTES - self.guessed_from)];
        self.guessed_from += telling.len();
        if !telling.is_empty() {
            self.detector.feed(telling, false);
        }
    }

    fn check_utf8(&mut self, piece: &[u8]) {
        let mut bytes = std::mem::take(&mut self.carry);
        bytes.extend_from_slice(piece);
        let mut rest = bytes.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.multibyte += multibyte(text.as_bytes());
                    return;
                }
                Err(error) => {
                    let (valid, broken) = rest.split_at(error.valid_up_to());
                    self.multibyte += multibyte(valid);
                    let Some(length) = error.error_len() else {
                        self.carry = broken.to_vec();
                        return;
                    };
                    self.damaged += 1;
                    rest = &broken[length..];
                }
            }
        }
    }

    /// The decision, once every byte has passed.
    ///
    /// # Errors
    /// The file is empty, or is no text.
    pub fn finish(mut self) -> Result<Head, FileError> {
        if self.head.is_empty() {
            return Err(FileError::Empty);
        }
        if self.head.starts_with(b"PK\x03\x04") {
            return Err(FileError::Spreadsheet);
        }
        let is_all = self.size == self.head.len() as u64;
        let encoding = self.decide()?;
        Ok(Head { encoding, bytes: self.head, is_all })
    }

    fn decide(&mut self) -> Result<&'static Encoding, FileError> {
        if let Some((encoding, _)) = Encoding::for_bom(&self.head) {
            return Ok(encoding);
        }
        if let Some(encoding) = wide(&self.head) {
            return Ok(encoding);
        }
        // A stray control character is an error of its row; one in fifty bytes is a picture or a program.
        if self.head.iter().filter(|byte| is_control(**byte)).count() * 50 > self.head.len() {
            return Err(FileError::NotText);
        }
        self.damaged += u64::from(!self.carry.is_empty());
        if self.damaged == 0 || self.multibyte > self.damaged * 20 {
            return Ok(UTF_8);
        }
        self.detector.feed(&[], true);
        Ok(self.detector.guess(None, Utf8Detection::Deny))
    }
}

/// A byte that no text in a one-byte encoding or UTF-8 is made of.
fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | 0x0B | 0x0C | b'\r' | 0x1B)
}

/// How many characters of a UTF-8 text are not ASCII.
fn multibyte(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte >= 0xC0).count() as u64
}

/// UTF-16 without a byte-order mark: nearly every other byte of a table is zero.
fn wide(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |first: usize| head.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), head.len() / 2);
    if pairs < 2 {
        None
    } else if odd * 3 > pairs && even * 20 < pairs {
        Some(UTF_16LE)
    } else if even * 3 > pairs && odd * 20 < pairs {
        Some(UTF_16BE)
    } else {
        None
    }
}
