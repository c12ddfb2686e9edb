//! From the file's encoding to UTF-8, piece by piece.
//!
//! What cannot be decoded becomes U+FFFD here and an error of its row later: one bad byte must not end an import
//! of a million good rows.

use encoding_rs::{CoderResult, Decoder, Encoding};

/// An incremental decoder; drops a byte-order mark.
pub struct Decode(Decoder);

impl Decode {
    /// A decoder of `encoding`.
    #[must_use]
    pub fn new(encoding: &'static Encoding) -> Self {
        Self(encoding.new_decoder_with_bom_removal())
    }

    /// A decoder by the name that an import keeps; none for a name that is no encoding.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Encoding::for_label(name.as_bytes()).map(Self::new)
    }

    /// Appends the text of `piece` to `out`. `last` says that nothing follows.
    pub fn push(&mut self, piece: &[u8], last: bool, out: &mut String) {
        let mut rest = piece;
        loop {
            let needed = self.0.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len() * 3 + 16);
            out.reserve(needed);
            let (result, read, _) = self.0.decode_to_string(rest, out, last);
            rest = &rest[read..];
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}
