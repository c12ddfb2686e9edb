//! How many segments a text takes, which is what carriers charge and limit by.
//!
//! One character outside the GSM alphabet makes the whole text UCS-2. A segment never ends inside a character: an
//! extension character's escape and a surrogate pair stay together, so a long text may take one segment more than its
//! length divided by the size. Provider features that rewrite texts (smart encoding) are not guessed at: the count is
//! the most that will be charged.

use super::gsm7;

/// Longest text that Twilio takes, in UTF-16 units (facts.md; the unit is our stricter reading of "characters").
pub const MAX_UNITS: u32 = 1_600;

/// How a text is encoded on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Seven bits a character.
    Gsm7,
    /// Sixteen bits a character.
    Ucs2,
}

/// The size of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmsSize {
    /// How it is encoded.
    pub encoding: Encoding,
    /// Segments it takes; an empty text takes one.
    pub segments: u32,
    /// Septets or UTF-16 units in all.
    pub units: u32,
    /// Units that still fit into the last segment.
    pub left: u32,
    /// Whether it is longer than a provider takes ([`MAX_UNITS`]).
    pub too_long: bool,
}

/// Measures a text.
#[must_use]
pub fn measure(text: &str) -> SmsSize {
    let utf16 = text.chars().map(utf16_units).fold(0, u32::saturating_add);
    let (encoding, packed) = match text.chars().map(gsm7::septets).collect::<Option<Vec<_>>>() {
        Some(costs) => (Encoding::Gsm7, pack(costs.into_iter(), 160, 153)),
        None => (Encoding::Ucs2, pack(text.chars().map(utf16_units), 70, 67)),
    };
    let (segments, units, left) = packed;
    SmsSize { encoding, segments, units, left, too_long: utf16 > MAX_UNITS }
}

/// The characters that make a text UCS-2, each once, in the order they appear; for previews.
#[must_use]
pub fn not_gsm7(text: &str) -> Vec<char> {
    let mut found = Vec::new();
    for c in text.chars().filter(|c| gsm7::septets(*c).is_none()) {
        if !found.contains(&c) {
            found.push(c);
        }
    }
    found
}

const fn utf16_units(c: char) -> u32 {
    if c.len_utf16() == 1 { 1 } else { 2 }
}

/// Segments, units and what is left in the last segment, for characters of these costs.
fn pack(costs: impl Iterator<Item = u32> + Clone, single: u32, part: u32) -> (u32, u32, u32) {
    let units = costs.clone().fold(0, u32::saturating_add);
    if units <= single {
        return (1, units, single - units);
    }
    let (mut segments, mut used) = (1, 0);
    for cost in costs {
        if used + cost > part {
            segments += 1;
            used = 0;
        }
        used += cost;
    }
    (segments, units, part - used)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(text: &str) -> (Encoding, u32) {
        let size = measure(text);
        (size.encoding, size.segments)
    }

    #[test]
    fn boundaries_of_both_encodings() {
        for (length, segments) in [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4)] {
            assert_eq!(size(&"a".repeat(length)), (Encoding::Gsm7, segments), "{length}");
        }
        for (length, segments) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)] {
            assert_eq!(size(&"ж".repeat(length)), (Encoding::Ucs2, segments), "{length}");
        }
    }

    #[test]
    fn one_curly_quote_makes_it_all_ucs2() {
        assert_eq!(size(&"a".repeat(100)), (Encoding::Gsm7, 1));
        assert_eq!(size(&format!("{}’", "a".repeat(99))), (Encoding::Ucs2, 2));
        assert_eq!(not_gsm7("it’s ’ok’ – ok"), ['’', '–']);
    }

    #[test]
    fn extension_characters_cost_two_and_stay_whole() {
        assert_eq!(size(&"€".repeat(80)), (Encoding::Gsm7, 1));
        assert_eq!(size(&"€".repeat(81)), (Encoding::Gsm7, 2));
        // 152 + the two septets of € do not fit into 153, so it moves to the next segment as one.
        assert_eq!(size(&format!("{}€{}", "a".repeat(152), "a".repeat(151))), (Encoding::Gsm7, 2));
        assert_eq!(size(&format!("{}€{}", "a".repeat(152), "a".repeat(152))), (Encoding::Gsm7, 3));
    }

    #[test]
    fn surrogate_pairs_stay_whole() {
        assert_eq!(size(&"🙂".repeat(35)), (Encoding::Ucs2, 1));
        // 33 pairs and one unit wasted in each segment of 67.
        assert_eq!(size(&"🙂".repeat(66)), (Encoding::Ucs2, 2));
        assert_eq!(size(&"🙂".repeat(67)), (Encoding::Ucs2, 3));
    }

    #[test]
    fn the_longest_text() {
        assert!(!measure(&"a".repeat(1_600)).too_long);
        assert!(measure(&"a".repeat(1_601)).too_long);
        assert!(measure(&"🙂".repeat(801)).too_long);
    }

    proptest! {
        #[test]
        fn more_text_never_takes_fewer_segments(text in ".{0,400}", more in ".{0,40}") {
            let longer = format!("{text}{more}");
            prop_assert!(measure(&longer).segments >= measure(&text).segments);
        }

        #[test]
        fn segments_hold_the_units_and_waste_at_most_one_each(text in "[a-z€^\\n🙂ж]{0,800}") {
            let size = measure(&text);
            let part = if size.encoding == Encoding::Gsm7 { 153 } else { 67 };
            if size.segments > 1 {
                let room = size.segments * part;
                prop_assert!(room >= size.units + size.left);
                prop_assert!(room - size.units - size.left < size.segments);
            }
        }
    }
}
