//! The id of a request: the caller's, if it is fit to stand in a log, else ours.
//!
//! A caller's id is kept so that both sides can search for the same text. It goes into log lines, job rows and headers,
//! so only visible ASCII without quotes or backslashes is taken, and not much of it; anything else is replaced, never
//! refused: a bad id is no reason to fail a request.

use patchbay_service::Entropy;
use poem::http::HeaderMap;

/// The header, on requests and on every answer.
pub const HEADER: &str = "x-request-id";

const MAX: usize = 128;

/// The request's id.
pub fn accept_or_make(headers: &HeaderMap, entropy: &dyn Entropy) -> String {
    let given = headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(|text| is_sane(text));
    given.map_or_else(|| format!("req_{}", hex::encode(entropy.array::<16>())), str::to_owned)
}

fn is_sane(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    (1..=MAX).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use patchbay_service::SeededEntropy;

    fn id_for(given: Option<&str>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(HEADER, given.parse().unwrap());
        }
        accept_or_make(&headers, &SeededEntropy::new(1))
    }

    #[test]
    fn a_sane_id_is_kept() {
        assert_eq!(id_for(Some("order-42/a:b")), "order-42/a:b");
    }

    #[test]
    fn no_id_or_one_unfit_for_a_log_is_replaced() {
        let long = "x".repeat(MAX + 1);
        for given in [None, Some(""), Some("a b"), Some("a\"b"), Some("a\tb"), Some(long.as_str())] {
            assert!(id_for(given).starts_with("req_"), "{given:?}");
        }
    }
}
