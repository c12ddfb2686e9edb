//! The text form of an id: TypeID, version 0.3 of its specification (github.com/jetify-com/typeid).
//!
//! 128 bits are written as 26 letters of Crockford's base32 alphabet in lower case, the first of which holds
//! three bits only. The form is strict in both directions (no upper case, no look-alike letters), so that one id
//! has one text and texts can be compared. Broken by: a decoder that forgives, or that lets the first
//! letter pass 7, which would give two texts for one id.

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;
const NO_DIGIT: u8 = 255;
const DIGITS: [u8; 256] = digits();

/// Why a text is not the id that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// It has another prefix, or none.
    #[error("expected an id that begins with `{expected}_`")]
    Prefix {
        /// The prefix that the field wants.
        expected: &'static str,
    },
    /// What follows the prefix is not 26 letters of the alphabet that hold 128 bits.
    #[error("not an id: 26 characters of 0-9 and a-z (without i, l, o, u) must follow the prefix")]
    Suffix,
}

/// Writes `prefix_` and the 26 letters.
pub(super) fn write(prefix: &str, uuid: Uuid, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let mut rest = uuid.as_u128();
    let mut letters = [0_u8; LENGTH];
    for letter in letters.iter_mut().rev() {
        let digit = usize::try_from(rest & 31).expect("five bits fit");
        *letter = ALPHABET[digit];
        rest >>= 5;
    }
    let letters = std::str::from_utf8(&letters).expect("the alphabet is ASCII");
    write!(f, "{prefix}_{letters}")
}

/// Reads an id that must have this prefix.
pub(super) fn read(prefix: &'static str, text: &str) -> Result<Uuid, IdError> {
    let letters = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or(IdError::Prefix { expected: prefix })?
        .as_bytes();
    if letters.len() != LENGTH || letters[0] > b'7' {
        return Err(IdError::Suffix);
    }
    letters
        .iter()
        .try_fold(0_u128, |value, &letter| match DIGITS[usize::from(letter)] {
            NO_DIGIT => Err(IdError::Suffix),
            digit => Ok(value << 5 | u128::from(digit)),
        })
        .map(Uuid::from_u128)
}

/// Whether a text may be a prefix: 1 to 63 lower-case letters, with single or more underscores only inside.
pub(super) const fn is_prefix(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 63 || bytes[0] == b'_' || bytes[bytes.len() - 1] == b'_' {
        return false;
    }
    let mut i = 0;
    while i < bytes.len() {
        if !bytes[i].is_ascii_lowercase() && bytes[i] != b'_' {
            return false;
        }
        i += 1;
    }
    true
}

const fn digits() -> [u8; 256] {
    let mut table = [NO_DIGIT; 256];
    let mut digit = 0_u8;
    while digit < 32 {
        table[ALPHABET[digit as usize] as usize] = digit;
        digit += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown(Uuid);

    impl std::fmt::Display for Shown {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write("prefix", self.0, f)
        }
    }

    /// The specification's `valid.json`, all under the prefix `prefix`.
    #[test]
    fn the_valid_vectors_of_the_specification_read_and_write() {
        for (text, uuid) in [
            ("prefix_00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
            ("prefix_00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
            ("prefix_0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
            ("prefix_0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
            ("prefix_00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
            ("prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            ("prefix_0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
            ("prefix_01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ] {
            let uuid: Uuid = uuid.parse().unwrap();
            assert_eq!(read("prefix", text), Ok(uuid));
            assert_eq!(Shown(uuid).to_string(), text);
        }
    }

    /// The specification's `invalid.json`, those about the suffix.
    #[test]
    fn the_invalid_suffixes_of_the_specification_are_refused() {
        for suffix in [
            "",
            "1234567890123456789012345",
            "123456789012345678901234567",
            "1234567890123456789012345 ",
            "0123456789ABCDEFGHJKMNPQRS",
            "123456789-123456789-123456",
            "ooooooooooooooooooooooooooo",
            "i23456789ol23456789oi23456",
            "i23456789ol23456789oi2345",
            "8zzzzzzzzzzzzzzzzzzzzzzzzz",
        ] {
            assert_eq!(read("prefix", &format!("prefix_{suffix}")), Err(IdError::Suffix), "{suffix}");
        }
    }

    #[test]
    fn another_prefix_or_none_is_refused() {
        for text in [
            "_01h455vb4pex5vsknk084sn02q",
            "01h455vb4pex5vsknk084sn02q",
            "prefi_01h455vb4pex5vsknk084sn02q",
            "",
            "prefix",
        ] {
            assert_eq!(read("prefix", text), Err(IdError::Prefix { expected: "prefix" }), "{text}");
        }
    }

    #[test]
    fn the_prefix_rules_of_the_specification_hold() {
        assert!(is_prefix("prefix") && is_prefix("pre_fix") && is_prefix("a"));
        for bad in ["", "PREFIX", "12345", "pre.fix", "  prefix", "_prefix", "prefix_", "préfix"] {
            assert!(!is_prefix(bad), "{bad}");
        }
        assert!(!is_prefix(&"a".repeat(64)));
    }
}
