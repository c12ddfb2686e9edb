//! How many SMS a text takes.
//!
//! GSM 03.38: 160 characters, or 153 each when split, and an extended character takes two that may not be parted. One
//! character outside it makes the whole text UCS-2: 70 UTF-16 units, or 67 each, and a surrogate pair may not be parted
//! either. Splitting for real, rather than dividing, is what gets a pair on a border right.

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENDED: &str = "^{}\\[~]|€\u{c}";

/// The number of segments; an empty text takes one.
pub(crate) fn count(text: &str) -> u16 {
    match gsm_widths(text) {
        Some(widths) => pack(&widths, 160, 153),
        None => pack(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), 70, 67),
    }
}

fn gsm_widths(text: &str) -> Option<Vec<usize>> {
    let width = |c: char| {
        if c.is_ascii_alphanumeric() || c == ' ' || BASIC.contains(c) {
            Some(1)
        } else {
            EXTENDED.contains(c).then_some(2)
        }
    };
    text.chars().map(width).collect()
}

fn pack(widths: &[usize], single: usize, part: usize) -> u16 {
    if widths.iter().sum::<usize>() <= single {
        return 1;
    }
    let (mut parts, mut used) = (1, 0);
    for width in widths {
        if used + width > part {
            parts += 1;
            used = 0;
        }
        used += width;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_of_both_alphabets() {
        for (text, segments) in [
            (String::new(), 1),
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("é".repeat(160), 1),
            ("م".repeat(70), 1),
            ("م".repeat(71), 2),
            ("م".repeat(134), 2),
            ("م".repeat(135), 3),
            (format!("{}’", "a".repeat(70)), 2),
            ("😀".repeat(35), 1),
            ("😀".repeat(36), 2),
        ] {
            assert_eq!(count(&text), segments, "{} characters of {text:.1}", text.chars().count());
        }
    }

    #[test]
    fn a_pair_on_a_border_moves_whole() {
        // 152 + 2 does not fit into 153, so the second part starts one early and a third is needed.
        let text = format!("{}€{}", "a".repeat(152), "a".repeat(152));
        assert_eq!(count(&text), 3);
        // 33 pairs fill 66 of 67 units: 67 pairs need three parts, not two.
        assert_eq!(count(&"😀".repeat(67)), 3);
    }
}
