//! Latencies, kept in full: percentiles from a histogram with three digits, nothing averaged away.

use std::sync::Mutex;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies that many tasks record.
pub struct Latencies {
    histogram: Mutex<Histogram<u64>>,
}

/// The longest that is told apart; a longer one counts as this.
const LONGEST_US: u64 = 120_000_000;

impl Latencies {
    /// None yet.
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3).expect("these bounds are valid");
        Self { histogram: Mutex::new(histogram) }
    }

    /// These.
    pub fn of(seen: &[Duration]) -> Self {
        let this = Self::new();
        seen.iter().for_each(|latency| this.record(*latency));
        this
    }

    /// Adds one.
    pub fn record(&self, latency: Duration) {
        let microseconds = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.histogram.lock().expect("no holder of this lock can panic").saturating_record(microseconds);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.histogram.lock().expect("no holder of this lock can panic").len()
    }

    /// The latency that `percent` of them do not exceed, in milliseconds.
    pub fn percentile_ms(&self, percent: f64) -> f64 {
        let histogram = self.histogram.lock().expect("no holder of this lock can panic");
        let microseconds = histogram.value_at_quantile(percent / 100.0);
        Duration::from_micros(microseconds).as_secs_f64() * 1000.0
    }

    /// The usual percentiles in one line.
    pub fn summary(&self) -> String {
        let at = |percent| self.percentile_ms(percent);
        format!(
            "p50 {:.1}, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, max {:.1} ms",
            at(50.0),
            at(90.0),
            at(99.0),
            at(99.9),
            at(100.0)
        )
    }
}
