//! How fast one number sends: a bucket of segments that may go into debt.
//!
//! The debt is the queue. A message's place in it is known the moment it is accepted (it leaves when the debt before it
//! is paid), so nothing has to stand in line: no list, no task, no wake-up per number.

use std::time::Duration;

use tokio::time::Instant;

use crate::account::settings::Throughput;

/// Hours of sending that Twilio queues for one number.
const TWILIO_QUEUE_SECONDS: f64 = 36_000.0;

/// The state of one number's queue; new ones start full of allowance.
#[derive(Default)]
pub(crate) struct Bucket(Option<(Instant, f64)>);

/// The answer to a message that wants to be sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// It leaves after so long.
    Leaves(Duration),
    /// It would leave after its validity has ended.
    Expires,
    /// There is no room.
    Full,
}

impl Bucket {
    /// Takes a place for a message of `segments` that stays valid for `validity`.
    pub(crate) fn take(&mut self, now: Instant, limit: &Throughput, segments: u16, validity: Duration) -> Place {
        let rate = limit.segments_per_second;
        let capacity = rate.max(1.0);
        let queue = limit.queue_segments.map_or(rate * TWILIO_QUEUE_SECONDS, to_f64);
        let level = self.0.map_or(capacity, |(at, level)| {
            capacity.min(level + now.saturating_duration_since(at).as_secs_f64() * rate)
        });
        let after = level - f64::from(segments);
        // A text longer than the whole bucket must get through some time: when nothing is before it.
        if after < -queue && level < capacity {
            return Place::Full;
        }
        let wait = Duration::try_from_secs_f64((-after / rate).max(0.0)).unwrap_or(Duration::MAX);
        if wait > validity {
            return Place::Expires;
        }
        self.0 = Some((now, after));
        Place::Leaves(wait)
    }
}

fn to_f64(segments: u64) -> f64 {
    f64::from(u32::try_from(segments).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn limit(queue_segments: u64) -> Throughput {
        let overflow = crate::account::settings::Overflow::default();
        Throughput { segments_per_second: 10.0, queue_segments: Some(queue_segments), overflow }
    }

    #[test]
    fn a_second_leaves_at_once_then_the_queue_fills_then_it_is_full() {
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        let mut take = |at| bucket.take(at, &limit(5), 1, DAY);
        for _ in 0..10 {
            assert_eq!(take(now), Place::Leaves(Duration::ZERO));
        }
        for n in 1..=5 {
            assert_eq!(take(now), Place::Leaves(Duration::from_millis(100 * n)));
        }
        assert_eq!(take(now), Place::Full);
        let later = now + Duration::from_millis(150);
        assert_eq!(take(later), Place::Leaves(Duration::from_millis(450)));
        assert_eq!(take(later), Place::Full);
    }

    #[test]
    fn a_long_text_passes_an_idle_number_without_a_queue() {
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        assert_eq!(bucket.take(now, &limit(0), 12, DAY), Place::Leaves(Duration::from_millis(200)));
        assert_eq!(bucket.take(now, &limit(0), 1, DAY), Place::Full);
    }

    #[test]
    fn what_would_leave_too_late_expires_and_takes_no_place() {
        let (mut bucket, now) = (Bucket::default(), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(bucket.take(now, &limit(100), 20, second), Place::Leaves(second));
        assert_eq!(bucket.take(now, &limit(100), 1, second), Place::Expires);
        assert_eq!(bucket.take(now, &limit(100), 1, second * 2), Place::Leaves(Duration::from_millis(1100)));
    }
}
