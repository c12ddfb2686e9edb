//! Reads `Retry-After`, in either form of RFC 9110 §10.2.3.
//!
//! A date is measured against the answer's own `Date`, so that no clock is read and ours may be wrong.

use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

/// Longest wait believed: a provider's slip must not park a lane for ever.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the answer asks us to wait.
pub fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(RETRY_AFTER)?;
    let wait = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = DateTime::parse_from_rfc2822(value).ok()?;
            let now = DateTime::parse_from_rfc2822(text(DATE)?).ok()?;
            (until - now).to_std().unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        read(&pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect())
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        let date = ("date", "Fri, 20 Nov 2026 10:00:00 GMT");
        assert_eq!(read_from(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(read_from(&[("retry-after", "Fri, 20 Nov 2026 10:01:30 GMT"), date]), Some(Duration::from_secs(90)));
        assert_eq!(read_from(&[("retry-after", "Fri, 20 Nov 2026 09:00:00 GMT"), date]), Some(Duration::ZERO));
    }

    #[test]
    fn nonsense_is_no_wait_and_ages_are_cut() {
        assert_eq!(read_from(&[]), None);
        assert_eq!(read_from(&[("retry-after", "soon")]), None);
        assert_eq!(read_from(&[("retry-after", "Fri, 20 Nov 2026 10:01:30 GMT")]), None);
        assert_eq!(read_from(&[("retry-after", "99999999999")]), Some(LONGEST));
    }
}
