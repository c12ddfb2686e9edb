//! How soon work goes at full speed again after what broke it.
//!
//! Full speed is most of the pace of effects from the beginning of the load to the first blow. Without a pace before there is
//! nothing to measure by, and nothing is measured: a scenario in which that is so does not hold. Where a backlog stands
//! (`scenarios/standing.rs`) that is the pace of all slots; elsewhere it is what is fed, far below what the engine is capable
//! of, so that there it is shown only that work goes on at the pace of its coming.
//!
//! Measured is from the end of a blow to the first second of full speed, or to when nothing was left to do; the worst of them
//! counts. What this does not say:
//!
//! - Blows that come sooner than work recovers (kills of workers every 2.5 s, under leases of 9 s) cannot be told apart. One
//!   that the next follows before full speed was back is *not measured*: of such a row the last is, with the damage of all of
//!   them, from its own end. So the figure is no bound for each blow, nor for how long a row of them held work up. But one
//!   that had all the time it may take until the next came ([`RECOVERY`]) is measured, as lasting until then at least. The
//!   last blow of a scenario is always measured, and something must have been done since it began; how many of the others
//!   were is said beside the row.
//! - It is the pace that is back. What a killed worker had in hand waits for the end of its lease; that it comes back at all
//!   is counted (`lost`, `stuck`), and is not timed here.

use std::time::Duration;

use super::row::RECOVERY;

/// The pace of effects again as it was before: a second with at least so much of it.
const FULL: f64 = 0.8;
const STEP: Duration = Duration::from_millis(100);
const WINDOW: Duration = Duration::from_secs(1);

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// After the worst blow.
    worst: Duration,
    /// Blows after which it was measured.
    measured: usize,
    /// Blows.
    of: usize,
}

impl Recovery {
    /// Of work that was struck by `blows` (from and until), by `done`, the instants of the effects in their order, of a load
    /// that began at `begun`. None where there is nothing to measure by, or nothing was done since the last blow began.
    pub fn measure(begun: Duration, blows: &[(Duration, Duration)], done: &[Duration]) -> Option<Self> {
        let (Some((first, _)), Some((last, _))) = (blows.first(), blows.last()) else {
            return Some(Self { worst: Duration::ZERO, measured: 0, of: 0 });
        };
        let since = |from: Duration, until: Duration| {
            let count = |at| done.partition_point(|done| *done < at);
            f64::from(u32::try_from(count(until) - count(from)).unwrap_or(u32::MAX)) / (until - from).as_secs_f64()
        };
        let over = done.last().copied()?;
        let before = since(begun, (*first).max(begun + STEP));
        if !done.is_sorted() || before <= 0.0 || over < *last {
            return None;
        }
        let back = |(place, (_, end)): (usize, &(Duration, Duration))| {
            let mut at = *end;
            while at < over && since(at, at + WINDOW) < before * FULL {
                at += STEP;
            }
            let at = at.min(over.max(*end));
            let next = blows.get(place + 1).map(|(next, _)| *next).filter(|next| *next < at);
            let took = next.unwrap_or(at).saturating_sub(*end);
            (next.is_none() || took.as_secs_f64() > RECOVERY).then_some(took)
        };
        let measured: Vec<Duration> = blows.iter().enumerate().filter_map(back).collect();
        Some(Self { worst: *measured.iter().max()?, measured: measured.len(), of: blows.len() })
    }

    /// After the worst blow, to a tenth of a second.
    pub fn seconds(&self) -> f64 {
        (self.worst.as_secs_f64() * 10.0).round() / 10.0
    }
}

/// How many of `done` came in each second since `begun`.
pub fn paces(begun: Duration, done: &[Duration]) -> Vec<usize> {
    let seconds = done.last().map_or(0, |last| last.saturating_sub(begun).as_secs() + 1);
    let mut paces = vec![0; usize::try_from(seconds).unwrap_or(usize::MAX)];
    for at in done.iter().filter_map(|at| at.checked_sub(begun)) {
        if let Some(pace) = usize::try_from(at.as_secs()).ok().and_then(|second| paces.get_mut(second)) {
            *pace += 1;
        }
    }
    paces
}

/// What was measured, for people.
pub fn text(recovery: Option<Recovery>) -> String {
    match recovery {
        Some(Recovery { measured, of, .. }) => format!("recovery was measured after {measured} of {of} blows"),
        None => "recovery cannot be measured: no effect before the first blow, or none since the last began".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn pace(from: u32, until: u32) -> impl Iterator<Item = Duration> {
        (from / 10..until / 10).map(|n| MS * 10 * n)
    }

    /// Seconds, and after how many blows.
    fn measured(blows: &[(u32, u32)], done: &[Duration]) -> Option<(f64, usize)> {
        let blows: Vec<_> = blows.iter().map(|(from, until)| (MS * *from, MS * *until)).collect();
        Recovery::measure(Duration::ZERO, &blows, done).map(|found| (found.seconds(), found.measured))
    }

    #[test]
    fn recovery_ends_with_the_first_second_of_full_speed() {
        let done: Vec<_> = pace(0, 2_000).chain(pace(5_000, 9_000)).collect();
        assert_eq!(measured(&[(2_000, 3_000)], &done), Some((1.8, 1)), "a fifth may be missing from that second");
        assert_eq!(measured(&[], &done), Some((0.0, 0)));
    }

    #[test]
    fn a_blow_before_recovery_is_not_measured_and_the_last_always_is() {
        let done: Vec<_> = pace(0, 2_000).chain(pace(5_000, 9_000)).collect();
        assert_eq!(measured(&[(2_000, 3_000), (4_000, 4_500)], &done), Some((0.3, 1)), "one long blow");
        assert_eq!(measured(&[(2_000, 3_000), (7_000, 7_000)], &done), Some((1.8, 2)), "two");
    }

    #[test]
    fn a_blow_that_had_all_its_time_until_the_next_is_measured() {
        let done: Vec<_> = pace(0, 2_000).chain(pace(30_000, 40_000)).collect();
        assert_eq!(measured(&[(2_000, 2_000), (18_500, 18_500)], &done), Some((16.5, 2)));
        assert_eq!(measured(&[(2_000, 2_000), (16_900, 16_900)], &done), Some((12.9, 1)));
    }

    #[test]
    fn what_has_nothing_left_to_do_has_recovered() {
        let done: Vec<_> = pace(0, 2_000).chain([MS * 4_000]).collect();
        assert_eq!(measured(&[(1_900, 3_000)], &done), Some((1.0, 1)));
        assert_eq!(measured(&[(1_900, 5_000)], &done), Some((0.0, 1)), "the last came during the blow");
    }

    #[test]
    fn without_a_pace_before_or_anything_done_since_nothing_is_measured() {
        let done: Vec<_> = pace(2_000, 4_000).collect();
        assert_eq!(measured(&[(1_000, 1_500)], &done), None, "no pace before");
        assert_eq!(measured(&[(1, 2)], &[]), None, "nothing was ever done");
        assert_eq!(measured(&[(3_000, 3_100), (5_000, 5_100)], &done), None, "all was over before the last blow");
        let newer_first: Vec<_> = pace(2_000, 4_000).chain(pace(0, 1_000)).collect();
        assert_eq!(measured(&[(2_500, 2_600)], &newer_first), None, "of two clocks");
    }
}
