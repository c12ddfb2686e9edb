//! What callers have left over all API processes.
//!
//! A request is charged to the buckets of its process at once, and ten times a second each process tells Redis what it
//! took and hears what all of them took. A caller who spreads over n processes so gets at most what n processes grant
//! within that tenth of a second more than its budget. Rejected: asking Redis at each request, which would put its
//! round trip, and its outages, into every answer. While Redis is away each process is on its own: a budget that was not
//! heard of for a second is not held against anybody.

use std::{
    fmt,
    net::IpAddr,
    time::{Duration, Instant},
};

use dashmap::DashMap;
use patchbay_queue::{Lanes, lanes::BUDGETS_AT_ONCE};
use uuid::Uuid;

/// How often processes tell each other.
const EVERY: Duration = Duration::from_millis(100);
/// How long what was heard counts.
const STALE: Duration = Duration::from_secs(1);

/// Whose budget it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// An API key's.
    Key(Uuid),
    /// A tenant's.
    Tenant(Uuid),
    /// The address's of a caller without a valid key.
    Address(IpAddr),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "key:{id}"),
            Self::Tenant(id) => write!(f, "tenant:{id}"),
            Self::Address(address) => write!(f, "address:{address}"),
        }
    }
}

/// One budget, as this process sees it. Times stand for units: so much comes back in so long.
struct Seen {
    /// Taken here and not told yet.
    untold: Duration,
    /// When all processes' takings are made up for, as last heard.
    full_at: Instant,
    heard: Instant,
}

/// What this process took and heard. One a process.
#[derive(Default)]
pub struct Shared(DashMap<Whose, Seen>);

impl Shared {
    /// Whether all processes together have `cost` of a bucket of `size` left (both as times); else when they will.
    ///
    /// # Errors
    /// The wait.
    pub fn check(&self, whose: Whose, cost: Duration, size: Duration, now: Instant) -> Result<(), Duration> {
        let Some(seen) = self.0.get(&whose) else { return Ok(()) };
        if now.saturating_duration_since(seen.heard) > STALE {
            return Ok(());
        }
        let wait = (seen.full_at.saturating_duration_since(now) + cost).saturating_sub(size);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }

    /// Notes what was taken.
    pub fn take(&self, whose: Whose, cost: Duration, now: Instant) {
        let fresh = || Seen { untold: Duration::ZERO, full_at: now, heard: now };
        self.0.entry(whose).or_insert_with(fresh).untold += cost;
    }

    /// Tells and hears until the task is dropped.
    pub async fn run(&self, lanes: &Lanes) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut away = false;
        loop {
            ticks.tick().await;
            let told = self.tell(lanes).await;
            if let (Err(error), false) = (&told, away) {
                tracing::warn!(%error, "Redis is away: each API process limits its callers by itself");
            }
            away = told.is_err();
        }
    }

    /// Tells what was taken, and hears of all budgets that are in use here.
    ///
    /// # Errors
    /// Redis's; what was to be told is forgotten then.
    pub async fn tell(&self, lanes: &Lanes) -> redis::RedisResult<()> {
        let now = Instant::now();
        // One that is full and was not taken from is of no interest to anybody.
        self.0.retain(|_, seen| !seen.untold.is_zero() || seen.full_at > now);
        let taken: Vec<(Whose, Duration)> =
            self.0.iter_mut().map(|mut seen| (*seen.key(), std::mem::take(&mut seen.untold))).collect();
        for taken in taken.chunks(BUDGETS_AT_ONCE) {
            let named: Vec<(String, Duration)> = taken.iter().map(|(whose, time)| (whose.to_string(), *time)).collect();
            let full_in = lanes.share_budgets(&named).await?;
            let now = Instant::now();
            for ((whose, _), full_in) in taken.iter().zip(full_in) {
                if let Some(mut seen) = self.0.get_mut(whose) {
                    (seen.full_at, seen.heard) = (now + full_in, now);
                }
            }
        }
        Ok(())
    }
}
