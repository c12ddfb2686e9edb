//! Numbers and times as words.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::style::Tone;
use crate::clock;

/// A count, with a comma every three digits.
pub fn count(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count that may be more than it says.
pub fn at_least(number: impl Into<u64>, more: bool) -> String {
    format!("{}{}", count(number), if more { "+" } else { "" })
}

/// A count that may be unknown.
pub fn maybe(number: Option<u64>) -> String {
    number.map_or_else(|| "?".to_owned(), count)
}

/// A number without needless digits: `0.5`, `2`.
pub fn number(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A length of time in its two largest units: `3m 20s`.
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// How long ago.
pub fn age(at: DateTime<Utc>) -> String {
    span((clock::now() - at).num_seconds())
}

/// An instant and how far it is from now.
pub fn instant(at: DateTime<Utc>) -> String {
    let away = (at - clock::now()).num_seconds();
    let distance = if away > 0 { format!("in {}", span(away)) } else { format!("{} ago", span(-away)) };
    format!("{} ({distance})", at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// JSON, for reading.
pub fn json(value: &Value) -> String {
    // Serialising a Value cannot fail: its keys are strings.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// What a job's status means.
pub fn status(status: &str) -> Tone {
    match status {
        "succeeded" => Tone::Good,
        "failed" => Tone::Bad,
        "held" | "scheduled" => Tone::Notice,
        "cancelled" => Tone::Faint,
        _ => Tone::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas() {
        assert_eq!([0_u32, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([2.0, 0.5, 0.001, 100.0].map(number), ["2", "0.5", "0.001", "100"]);
        assert_eq!((at_least(10_000_u64, true), maybe(None)), ("10,000+".to_owned(), "?".to_owned()));
    }

    #[test]
    fn spans_have_two_units() {
        assert_eq!([-5, 59, 200, 7_300, 90_000].map(span), ["0s", "59s", "3m 20s", "2h 1m", "1d 1h"]);
    }
}
