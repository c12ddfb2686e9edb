//! Opening hours and breakers as people type them.

use crate::client::types::{CircuitBreaker, OpeningTime};

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// `mon-fri@09:00-17:30`, or `mon,wed@22:00-06:00`.
///
/// # Errors
/// It is not of this form. Whether the times exist is for the API to say.
pub fn opening(text: &str) -> Result<OpeningTime, String> {
    let wanted = || "such as mon-fri@09:00-17:30 is wanted".to_owned();
    let (days, times) = text.split_once('@').ok_or_else(wanted)?;
    let (opens, closes) = times.split_once('-').ok_or_else(wanted)?;
    let mut found = Vec::new();
    for part in days.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first).ok_or_else(wanted)?, day(last).ok_or_else(wanted)?);
        // A week goes round: fri-mon is four days.
        let count = (last + DAYS.len() - first) % DAYS.len() + 1;
        found.extend((0..count).map(|step| DAYS[(first + step) % DAYS.len()].to_owned()));
    }
    Ok(OpeningTime { days: found, opens: opens.to_owned(), closes: closes.to_owned() })
}

fn day(text: &str) -> Option<usize> {
    DAYS.iter().position(|day| text.len() >= 3 && day.starts_with(&text.to_ascii_lowercase()))
}

/// `5,60,30`: after five failures within a minute it rests for 30 seconds.
///
/// # Errors
/// It is not three numbers.
pub fn breaker(text: &str) -> Result<CircuitBreaker, String> {
    let wanted = || "FAILURES,WITHIN,REST is wanted, the latter two in seconds, such as 5,60,30".to_owned();
    let numbers: Vec<u32> = text.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| wanted())?;
    let [failures, within_seconds, open_seconds] = numbers.as_slice() else { return Err(wanted()) };
    let failures = i32::try_from(*failures).map_err(|_| wanted())?;
    Ok(CircuitBreaker { failures, within_seconds: *within_seconds, open_seconds: *open_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_ranges_or_lists_and_go_round_the_week() {
        let days = |text| opening(&format!("{text}@09:00-17:30")).unwrap().days;
        assert_eq!(days("mon-wed"), ["monday", "tuesday", "wednesday"]);
        assert_eq!(days("sat-mon,thursday"), ["saturday", "sunday", "monday", "thursday"]);
        let night = opening("mon@22:00-06:00").unwrap();
        assert_eq!((night.opens.as_str(), night.closes.as_str()), ("22:00", "06:00"));
        for wrong in ["", "mon", "mon@9", "mo@9-17", "xyz@09:00-10:00", "mon-@09:00-10:00"] {
            assert!(opening(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_breaker_is_three_numbers() {
        let rule = breaker("5,60,30").unwrap();
        assert_eq!((rule.failures, rule.within_seconds, rule.open_seconds), (5, 60, 30));
        assert!(["5,60", "a,b,c", "5,60,30,1", "-1,2,3"].iter().all(|text| breaker(text).is_err()));
    }
}
