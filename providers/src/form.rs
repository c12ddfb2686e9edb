//! Decodes `application/x-www-form-urlencoded` to bytes.
//!
//! The `url` crate's decoder replaces what is not UTF-8, so two different bodies can decode alike; a signature must be
//! checked over what was sent. Values become text only when they are read, after the signature held.

/// Names and values in the order received, duplicates and empty ones included.
pub type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Decodes a body or a query (without its `?`). Never fails: a `%` that starts no escape stands for itself, as the
/// URL standard has it.
#[must_use]
pub fn parse(encoded: &[u8]) -> Pairs {
    encoded
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.iter().position(|byte| *byte == b'=') {
            Some(at) => (decode(&pair[..at]), decode(&pair[at + 1..])),
            None => (decode(pair), Vec::new()),
        })
        .collect()
}

/// The first value of a name, as text. Bytes that are not UTF-8 are replaced rather than losing the message, and so is
/// U+0000, which no PostgreSQL text can hold: one such text would keep every other message of its set from being stored.
#[must_use]
pub fn text(pairs: &Pairs, name: &str) -> Option<String> {
    let (_, value) = pairs.iter().find(|(key, _)| key == name.as_bytes())?;
    Some(String::from_utf8_lossy(value).replace('\0', "\u{fffd}"))
}

/// The query of a URL, without `?` and without a fragment; empty when there is none.
#[must_use]
pub fn query_of(url: &str) -> &str {
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    url.split_once('?').map_or("", |(_, query)| query)
}

fn decode(encoded: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'+', _) => decoded.push(b' '),
            (b'%', [high, low, after @ ..]) => {
                let mut escaped = [0];
                if hex::decode_to_slice([*high, *low], &mut escaped).is_ok() {
                    decoded.push(escaped[0]);
                    rest = after;
                } else {
                    decoded.push(byte);
                }
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_order_duplicates_empties_and_bytes_that_are_not_text() {
        let pairs = parse(b"a=1&a=2&b=&c&%FF=%zz+x%4&&=v");
        let expected: [(&[u8], &[u8]); 6] =
            [(b"a", b"1"), (b"a", b"2"), (b"b", b""), (b"c", b""), (b"\xff", b"%zz x%4"), (b"", b"v")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_vec(), value.to_vec())));
    }

    #[test]
    fn what_cannot_be_stored_as_text_is_replaced() {
        let pairs = parse(b"Body=a%00b%FFc");
        assert_eq!(text(&pairs, "Body").as_deref(), Some("a\u{fffd}b\u{fffd}c"));
    }

    #[test]
    fn the_query_ends_before_the_fragment() {
        assert_eq!(query_of("https://a/b?c=d?e#f?g"), "c=d?e");
        assert_eq!(query_of("https://a/b#c?d"), "");
    }

    proptest! {
        #[test]
        fn reads_back_what_a_standard_encoder_wrote(pairs in prop::collection::vec((".*", ".*"), 0..8)) {
            let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            let decoded: Vec<_> = parse(encoded.as_bytes());
            let expected: Vec<_> =
                pairs.into_iter().map(|(name, value)| (name.into_bytes(), value.into_bytes())).collect();
            prop_assert_eq!(decoded, expected);
        }
    }
}
