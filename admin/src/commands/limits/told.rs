//! Limits in words.

use crate::{
    client::types::{CircuitBreaker, LaneLimit, OpeningHours},
    screen::words,
};

/// What is set, in one line: `20/s, burst 40; 8 at a time`.
pub fn told(limit: &LaneLimit) -> String {
    let mut parts = Vec::new();
    if let Some(rate) = limit.rate_per_second {
        let burst = limit.burst.map(|burst| format!(", burst {burst}")).unwrap_or_default();
        parts.push(format!("{}/s{burst}", words::number(rate)));
    }
    parts.extend(limit.concurrency.map(|most| format!("{most} at a time")));
    parts.extend(limit.weight.map(|weight| format!("weight {}", words::number(weight))));
    parts.extend(limit.max_waiting.map(|most| format!("at most {most} waiting")));
    parts.extend(limit.hours.as_ref().map(hours));
    parts.extend(limit.breaker.as_ref().map(breaker));
    if parts.is_empty() { "none".to_owned() } else { parts.join("; ") }
}

fn hours(hours: &OpeningHours) -> String {
    let openings = hours.openings.iter().map(|opening| {
        let days: Vec<&str> = opening.days.iter().map(|day| day.get(..3).unwrap_or(day)).collect();
        format!("{} {}-{}", days.join(","), opening.opens, opening.closes)
    });
    format!("open {} {}", openings.collect::<Vec<_>>().join(" and "), hours.timezone)
}

fn breaker(rule: &CircuitBreaker) -> String {
    format!("rests {}s after {} failures in {}s", rule.open_seconds, rule.failures, rule.within_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::types::OpeningTime;

    #[test]
    fn every_part_is_told() {
        let opening = OpeningTime {
            days: vec!["monday".to_owned(), "friday".to_owned()],
            opens: "09:00".to_owned(),
            closes: "17:30".to_owned(),
        };
        let limit = LaneLimit {
            rate_per_second: Some(0.5),
            burst: Some(3),
            concurrency: Some(8),
            weight: Some(2.0),
            max_waiting: Some(1_000),
            hours: Some(OpeningHours { timezone: "Europe/Berlin".to_owned(), openings: vec![opening] }),
            breaker: Some(CircuitBreaker { failures: 5, within_seconds: 60, open_seconds: 30 }),
        };
        let expected = "0.5/s, burst 3; 8 at a time; weight 2; at most 1000 waiting; \
                        open mon,fri 09:00-17:30 Europe/Berlin; rests 30s after 5 failures in 60s";
        assert_eq!(told(&limit), expected);
        assert_eq!(told(&LaneLimit::default()), "none");
    }
}
