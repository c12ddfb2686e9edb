//! What keeps a lane from being served in memory: all that is set on the keys of its path, pauses and penalties.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::breaker::Breaker;
use super::bucket::Bucket;
use super::keys::{At, keys};
use super::runs::Runs;
use crate::lanes::{EVERY_QUEUE, Hours, LaneName, Limit, PauseScope, Rate, Report};
use crate::{NewJob, SYSTEM_TENANT};

#[derive(Default)]
pub(super) struct Limits {
    set: HashMap<At, Limit>,
    pauses: HashMap<(String, PauseScope), Option<DateTime<Utc>>>,
    penalties: HashMap<At, DateTime<Utc>>,
    /// They outlive their rates, until they are full: what is in one stays in it under the next.
    buckets: HashMap<At, Bucket>,
    breakers: HashMap<At, Breaker>,
}

/// Who asks whether it may run.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub queue: &'a str,
    pub job: Uuid,
    pub now: DateTime<Utc>,
    pub runs: &'a Runs,
}

/// A pause of a tenant or a queue is one of its widest key.
fn covering(scope: PauseScope) -> PauseScope {
    let whole = |tenant| PauseScope::Lane(LaneName { tenant, lane: String::new() });
    match scope {
        PauseScope::Queue => whole(SYSTEM_TENANT),
        PauseScope::Tenant(tenant) => whole(tenant),
        scope => scope,
    }
}

/// When to look again at what has no known end.
fn soon(now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::seconds(1)
}

impl Limits {
    /// Sets all of a key, in place of what was set there.
    pub(super) fn set(&mut self, queue: &str, limit: Limit, now: DateTime<Utc>) {
        let at = (queue.to_owned(), limit.lane.clone());
        if let Some(rate) = limit.rate {
            let was_set = self.set.get(&at).is_some_and(|before| before.rate.is_some());
            match self.buckets.get_mut(&at) {
                Some(bucket) if was_set || !bucket.is_full(now) => bucket.turn_to(rate, now),
                _ => drop(self.buckets.insert(at.clone(), Bucket::full(rate, now))),
            }
        }
        if limit.breaker.is_none() {
            self.breakers.remove(&at);
        }
        self.set.insert(at, limit);
    }

    /// What is set on a key of one queue.
    pub(super) fn at(&self, queue: &str, lane: &LaneName) -> Limit {
        let set = self.set.get(&(queue.to_owned(), lane.clone()));
        set.cloned().unwrap_or_else(|| Limit::new(lane.clone()))
    }

    /// What a key has of its own, or else in every queue.
    fn widest<'a, T>(&'a self, queue: &str, lane: &LaneName, of: impl Fn(&'a Limit) -> Option<T>) -> Option<T> {
        let set = |queue: &str| self.set.get(&(queue.to_owned(), lane.clone()));
        set(queue).and_then(&of).or_else(|| set(EVERY_QUEUE).and_then(&of))
    }

    /// A tenant's share against the others'.
    pub(super) fn weight(&self, queue: &str, tenant: Uuid) -> f64 {
        let whole = LaneName { tenant, lane: String::new() };
        self.widest(queue, &whole, |limit| limit.weight).unwrap_or(1.0)
    }

    pub(super) fn pause(&mut self, queue: &str, scope: PauseScope, until: Option<DateTime<Utc>>) {
        self.pauses.insert((queue.to_owned(), covering(scope)), until);
    }

    pub(super) fn resume(&mut self, queue: &str, scope: PauseScope) {
        self.pauses.remove(&(queue.to_owned(), covering(scope)));
    }

    pub(super) fn penalise(&mut self, queue: &str, lane: LaneName, until: DateTime<Utc>) {
        let stands = self.penalties.entry((queue.to_owned(), lane)).or_insert(until);
        *stands = until.max(*stands);
    }

    /// Tells the breakers of `key`, the tenant's and the shared one, how a call went; answers until when one is open.
    pub(super) fn report(
        &mut self,
        queue: &str,
        key: LaneName,
        went: Report,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let shared = LaneName { tenant: SYSTEM_TENANT, lane: key.lane.clone() };
        let keys = if key == shared { vec![key] } else { vec![key, shared] };
        let ruled = keys.into_iter().filter_map(|key| self.at(queue, &key).breaker.map(|rule| (key, rule)));
        let ruled: Vec<_> = ruled.collect();
        let heard = ruled
            .into_iter()
            .filter_map(|(key, rule)| self.breakers.entry((queue.to_owned(), key)).or_default().hear(rule, went, now));
        heard.max()
    }

    fn pause_end(&self, queue: &str, scope: &PauseScope) -> Option<DateTime<Utc>> {
        let ends = [queue, EVERY_QUEUE].map(|queue| self.pauses.get(&(queue.to_owned(), scope.clone())));
        ends.into_iter().flatten().map(|end| end.unwrap_or(DateTime::<Utc>::MAX_UTC)).max()
    }

    /// Whether the job's kind is paused: its jobs are parked, not skipped.
    pub(super) fn kind_paused(&self, job: &NewJob, now: DateTime<Utc>) -> bool {
        self.pause_end(&job.queue, &PauseScope::Kind(job.kind.clone())).is_some_and(|end| end > now)
    }

    /// Until when something other than a pause, a rate or what runs shuts a key.
    fn shut(&self, asking: Asking<'_>, key: &LaneName) -> Option<DateTime<Utc>> {
        let at = (asking.queue.to_owned(), key.clone());
        let hours = |hours: &Hours| hours.next(asking.now).map_or_else(|| soon(asking.now), |(opens, _)| opens);
        let penalty = self.penalties.get(&at).copied();
        let opens = self.widest(asking.queue, key, |limit| limit.hours.as_ref()).map(hours);
        let breaker = self.breakers.get(&at).and_then(|breaker| breaker.shut(asking.job, asking.now, asking.runs));
        penalty.into_iter().chain(opens).chain(breaker).filter(|until| *until > asking.now).max()
    }

    /// Until when a key does not let a job of this cost begin.
    fn blocked(&self, asking: Asking<'_>, key: &LaneName, cost: i32) -> Option<DateTime<Utc>> {
        let limit = self.at(asking.queue, key);
        let paused = self.pause_end(asking.queue, &PauseScope::Lane(key.clone()));
        let bucket = limit.rate.and_then(|_| self.buckets.get(&(asking.queue.to_owned(), key.clone())));
        let passes_at = bucket.map(|bucket| bucket.passes_at(cost, asking.now));
        let full = limit
            .concurrency
            .is_some_and(|most| usize::try_from(most).is_ok_and(|most| asking.runs.under(asking.queue, key) >= most));
        let full = full.then(|| soon(asking.now));
        let shut = self.shut(asking, key);
        shut.into_iter().chain(paused).chain(passes_at).chain(full).filter(|until| *until > asking.now).max()
    }

    /// The key that stops a job now: the queue or its tenant, or else the one that stops it longest.
    pub(super) fn stopped_at(&self, asking: Asking<'_>, job: &NewJob) -> Option<LaneName> {
        // A job that is only to be parked costs nothing.
        let cost = if self.kind_paused(job, asking.now) { 0 } else { job.cost };
        let mut longest: Option<(DateTime<Utc>, LaneName)> = None;
        for key in keys(job.tenant_id, &job.lane) {
            let Some(until) = self.blocked(asking, &key, cost) else { continue };
            if key.lane.is_empty() {
                return Some(key);
            }
            if longest.as_ref().is_none_or(|(at, _)| until > *at) {
                longest = Some((until, key));
            }
        }
        longest.map(|(_, key)| key)
    }

    /// Takes for a job that begins.
    pub(super) fn charge(&mut self, job: &NewJob, now: DateTime<Utc>) {
        if !self.kind_paused(job, now) {
            self.take_from(&job.queue, keys(job.tenant_id, &job.lane), job.id, f64::from(job.cost), now);
        }
    }

    fn take_from(&mut self, queue: &str, keys: Vec<LaneName>, job: Uuid, units: f64, now: DateTime<Utc>) {
        for key in keys {
            let at = (queue.to_owned(), key);
            if self.rate_at(&at).is_some()
                && let Some(bucket) = self.buckets.get_mut(&at)
            {
                bucket.take(units, now);
            }
            if let Some(breaker) = self.breakers.get_mut(&at) {
                breaker.passed_by(job);
            }
        }
    }

    fn rate_at(&self, at: &At) -> Option<Rate> {
        self.set.get(at).and_then(|limit| limit.rate)
    }

    /// Takes up to `want` units of all of a lane's rates for a job that runs: what is granted, or from when there is one.
    /// Whatever shuts the lane stops it; a pause does not: what runs may come to its end.
    pub(super) fn take(&mut self, asking: Asking<'_>, lane: &LaneName, want: i64) -> Result<i64, DateTime<Utc>> {
        let now = asking.now;
        let keys = keys(lane.tenant, &lane.lane);
        let (mut granted, mut retry_at) = (want, now + TimeDelta::milliseconds(1));
        for key in &keys {
            if let Some(until) = self.shut(asking, key) {
                return Err(until);
            }
            let at = (asking.queue.to_owned(), key.clone());
            if let Some(bucket) = self.rate_at(&at).and_then(|_| self.buckets.get(&at)) {
                granted = granted.min(bucket.free(now));
                retry_at = retry_at.max(bucket.passes_at(1, now));
            }
        }
        if granted < 1 {
            return Err(retry_at);
        }
        let units = f64::from(i32::try_from(granted).unwrap_or(i32::MAX));
        self.take_from(asking.queue, keys, asking.job, units, now);
        Ok(granted)
    }
}
