//! The GSM 7-bit alphabet (3GPP TS 23.038, §6.2.1), as the cost of each character in septets.
//!
//! A match rather than a table: the compiler turns it into range checks, and the list can be compared with the
//! standard by eye. Note that the alphabet has `Ç` but no `ç`, and no other letter with a cedilla or circumflex.

/// Septets a character takes: two from the extension table (an escape goes before it), none when it has no place.
pub const fn septets(c: char) -> Option<u32> {
    match c {
        '\n' | '\r' | ' '..='Z' if c != '`' => Some(1),
        'a'..='z' | '_' => Some(1),
        '£' | '¥' | 'è' | 'é' | 'ù' | 'ì' | 'ò' | 'Ç' | 'Ø' | 'ø' | 'Å' | 'å' => Some(1),
        'Δ' | 'Φ' | 'Γ' | 'Λ' | 'Ω' | 'Π' | 'Ψ' | 'Σ' | 'Θ' | 'Ξ' => Some(1),
        'Æ' | 'æ' | 'ß' | 'É' | '¤' | '¡' | 'Ä' | 'Ö' | 'Ñ' | 'Ü' | '§' | '¿' => Some(1),
        'ä' | 'ö' | 'ñ' | 'ü' | 'à' => Some(1),
        '\u{c}' | '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' | '€' => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_has_its_137_characters() {
        // 128 places, of which one is the escape, and ten more behind it.
        let count = |cost| (0..=0xFFFFu32).filter_map(char::from_u32).filter(|c| septets(*c) == Some(cost)).count();
        assert_eq!((count(1), count(2)), (127, 10));
    }

    #[test]
    fn look_alikes_are_not_in_it() {
        for c in ['`', 'ç', 'â', '’', '“', '–', '…', '\t', '\u{a0}', 'Α', 'я', '🙂'] {
            assert_eq!(septets(c), None, "{c}");
        }
    }
}
