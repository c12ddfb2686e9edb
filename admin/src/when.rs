//! Times as people type them: an instant (RFC 3339), or a distance such as `90s`, `15m`, `2h`, `3d`.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock;

/// An instant in the past: `2h` is two hours ago.
///
/// # Errors
/// It is neither an instant nor a distance.
pub fn past(text: &str) -> Result<DateTime<Utc>, String> {
    at(text, -1)
}

/// An instant to come: `2h` is in two hours.
///
/// # Errors
/// It is neither an instant nor a distance.
pub fn future(text: &str) -> Result<DateTime<Utc>, String> {
    at(text, 1)
}

/// Seconds between two looks: a tenth at the least.
///
/// # Errors
/// It is no number, or out of bounds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.trim_end_matches('s').parse().map_err(|_| "a number of seconds is wanted".to_owned())?;
    if !(0.1..=86_400.0).contains(&seconds) {
        return Err("between 0.1 and 86400".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn at(text: &str, sign: i32) -> Result<DateTime<Utc>, String> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    let wanted = "an instant such as 2026-11-21T09:30:00Z, or a distance such as 15m, 2h or 3d, is wanted";
    let distance = distance(text).ok_or(wanted)?;
    clock::now().checked_add_signed(distance * sign).ok_or_else(|| wanted.to_owned())
}

fn distance(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let count: i64 = text.strip_suffix(unit)?.parse().ok().filter(|count| (0..1_000_000).contains(count))?;
    match unit {
        's' => TimeDelta::try_seconds(count),
        'm' => TimeDelta::try_minutes(count),
        'h' => TimeDelta::try_hours(count),
        'd' => TimeDelta::try_days(count),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_itself_and_a_distance_goes_either_way() {
        assert_eq!(past("2026-11-21T10:30:00+01:00").unwrap().to_rfc3339(), "2026-11-21T09:30:00+00:00");
        let day = TimeDelta::days(1);
        assert!(((clock::now() - past("1d").unwrap()) - day).num_seconds().abs() < 5);
        assert!(((future("24h").unwrap() - clock::now()) - day).num_seconds().abs() < 5);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "h", "-1h", "1w", "soon", "99999999d", "1é"] {
            assert!(past(text).is_err(), "{text}");
        }
        assert!(seconds("0").is_err() && seconds("nan").is_err() && seconds("x").is_err());
        assert_eq!(seconds("0.5s").unwrap(), Duration::from_millis(500));
    }
}
