//! What keeps a lane from being served in memory: pauses, penalties and rates, on every key of its path.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::lanes::{EVERY_QUEUE, LaneName, PauseScope, RateLimit};
use crate::{NewJob, SYSTEM_TENANT};

#[derive(Default)]
pub(super) struct Limits {
    pauses: HashMap<(String, PauseScope), Option<DateTime<Utc>>>,
    penalties: HashMap<(String, LaneName), DateTime<Utc>>,
    rates: HashMap<(String, LaneName), Bucket>,
}

/// GCRA: a bucket is the instant at which it is full again.
struct Bucket {
    rate: RateLimit,
    full_at: DateTime<Utc>,
}

impl Bucket {
    fn step(&self, units: f64) -> TimeDelta {
        TimeDelta::nanoseconds(whole(units * 1e9 / self.rate.rate_per_second))
    }

    fn room(&self, now: DateTime<Utc>) -> TimeDelta {
        now + self.step(f64::from(self.rate.burst)) - self.full_at.max(now)
    }

    fn take(&mut self, units: f64, now: DateTime<Utc>) {
        self.full_at = self.full_at.max(now) + self.step(units);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "nanoseconds of a test's rates")]
const fn whole(n: f64) -> i64 {
    n as i64
}

/// The keys of a lane: the queue, the tenant, each prefix of its path, and the same that all tenants share.
fn keys(tenant: Uuid, lane: &str) -> Vec<LaneName> {
    let mut prefixes = vec![String::new()];
    if !lane.is_empty() {
        let ends = lane.match_indices('~').map(|(at, _)| at).chain([lane.len()]);
        prefixes.extend(ends.map(|end| lane[..end].to_owned()));
    }
    let of = |tenant: Uuid| prefixes.iter().map(move |lane| LaneName { tenant, lane: lane.clone() });
    of(SYSTEM_TENANT).chain(of(tenant)).collect()
}

impl Limits {
    pub(super) fn pause(&mut self, queue: &str, scope: PauseScope, until: Option<DateTime<Utc>>) {
        self.pauses.insert((queue.to_owned(), scope), until);
    }

    pub(super) fn resume(&mut self, queue: &str, scope: &PauseScope) {
        self.pauses.remove(&(queue.to_owned(), scope.clone()));
    }

    pub(super) fn penalise(&mut self, queue: &str, lane: LaneName, until: DateTime<Utc>) {
        let stands = self.penalties.entry((queue.to_owned(), lane)).or_insert(until);
        *stands = until.max(*stands);
    }

    pub(super) fn set_rate(&mut self, queue: &str, rate: RateLimit) {
        let full_at = DateTime::<Utc>::MIN_UTC;
        self.rates.insert((queue.to_owned(), rate.lane.clone()), Bucket { rate, full_at });
    }

    fn paused(&self, queue: &str, scope: &PauseScope, now: DateTime<Utc>) -> bool {
        [queue, EVERY_QUEUE].iter().any(|queue| {
            let pause = self.pauses.get(&((*queue).to_owned(), scope.clone()));
            pause.is_some_and(|until| until.is_none_or(|until| until > now))
        })
    }

    /// Whether the job's kind is paused: its jobs are parked, not skipped.
    pub(super) fn kind_paused(&self, job: &NewJob, now: DateTime<Utc>) -> bool {
        self.paused(&job.queue, &PauseScope::Kind(job.kind.clone()), now)
    }

    /// Whether the job may be taken now, as far as its keys go.
    pub(super) fn passes(&self, job: &NewJob, now: DateTime<Utc>) -> bool {
        let at = |lane: &LaneName| (job.queue.clone(), lane.clone());
        let stopped = self.paused(&job.queue, &PauseScope::Queue, now)
            || self.paused(&job.queue, &PauseScope::Tenant(job.tenant_id), now);
        !stopped
            && keys(job.tenant_id, &job.lane).into_iter().all(|key| {
                let paused = self.paused(&job.queue, &PauseScope::Lane(key.clone()), now);
                let penalised = self.penalties.get(&at(&key)).is_some_and(|until| *until > now);
                let room = self.rates.get(&at(&key)).is_none_or(|bucket| {
                    // One dearer than the whole burst passes once the bucket is full.
                    let units = job.cost.min(bucket.rate.burst);
                    bucket.room(now) >= bucket.step(f64::from(units))
                });
                !paused && !penalised && room
            })
    }

    pub(super) fn charge(&mut self, job: &NewJob, now: DateTime<Utc>) {
        for key in keys(job.tenant_id, &job.lane) {
            if let Some(bucket) = self.rates.get_mut(&(job.queue.clone(), key)) {
                bucket.take(f64::from(job.cost), now);
            }
        }
    }

    /// Takes up to `want` units of all of a lane's rates: what is granted, or from when there is one.
    pub(super) fn take(
        &mut self,
        queue: &str,
        lane: &LaneName,
        want: i64,
        now: DateTime<Utc>,
    ) -> Result<i64, DateTime<Utc>> {
        let keys: Vec<_> = keys(lane.tenant, &lane.lane).into_iter().map(|key| (queue.to_owned(), key)).collect();
        let mut granted = want;
        let mut retry_at = now;
        for bucket in keys.iter().filter_map(|key| self.rates.get(key)) {
            let step = bucket.step(1.0);
            let free =
                bucket.room(now).num_nanoseconds().unwrap_or(i64::MAX) / step.num_nanoseconds().unwrap_or(1).max(1);
            granted = granted.min(free.max(0));
            if free < 1 {
                retry_at = retry_at.max(now + step - bucket.room(now));
            }
        }
        if granted < 1 {
            return Err(retry_at);
        }
        let units = f64::from(i32::try_from(granted).unwrap_or(i32::MAX));
        for key in keys {
            if let Some(bucket) = self.rates.get_mut(&key) {
                bucket.take(units, now);
            }
        }
        Ok(granted)
    }
}
