//! The one place that reads the wall clock, for the dates in Twilio's answers.
//!
//! Waiting is done on tokio's clock (`Instant`), never on this one: a wall clock that steps must not hold a
//! receipt back.

use std::time::SystemTime;

use chrono::{DateTime, Utc};

/// The time of day, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the simulator's clock, and Patchbay's is product code")]
pub(crate) fn now_ms() -> i64 {
    DateTime::<Utc>::from(SystemTime::now()).timestamp_millis()
}

/// A date as Twilio's 2010 API writes it: `Thu, 24 Aug 2023 05:01:45 +0000`.
pub(crate) fn rfc2822(ms: i64) -> String {
    at(ms).to_rfc2822()
}

/// `yymmddhhmm`, the form of a receipt's `RawDlrDoneDate`.
pub(crate) fn dlr_date(ms: i64) -> String {
    at(ms).format("%y%m%d%H%M").to_string()
}

fn at(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_twilio_writes_them() {
        assert_eq!(rfc2822(1_692_853_305_000), "Thu, 24 Aug 2023 05:01:45 +0000");
        assert_eq!(dlr_date(1_692_853_305_000), "2308240501");
    }
}
