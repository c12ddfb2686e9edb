//! A circuit breaker in memory: what `lanes/scripts/breaker.lua` hears, and what `parts/gates.lua` lets pass.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::runs::Runs;
use crate::lanes::{BreakerRule, Report};

/// What has come of a key's rule.
#[derive(Default)]
pub(super) struct Breaker {
    /// Failures in a row, and when they began.
    failed: Option<(i32, DateTime<Utc>)>,
    open: Option<Open>,
}

struct Open {
    until: DateTime<Utc>,
    /// How often it has opened since it was closed.
    times: u32,
    /// Who tries whether it can close.
    probe: Option<Uuid>,
}

/// Times `open_for` that it is open at most.
const LONGEST: u32 = 10;

impl Breaker {
    /// Hears how a call went; answers until when it is open. What began before it opened says nothing new.
    pub(super) fn hear(&mut self, rule: BreakerRule, went: Report, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if let Some(open) = self.open.as_ref().filter(|open| open.until > now) {
            return Some(open.until);
        }
        if went == Report::Ok {
            *self = Self::default();
            return None;
        }
        let times = match &self.open {
            Some(open) => open.times,
            None => {
                let (before, since) = self.failed.filter(|(_, at)| now < *at + rule.within).unwrap_or((0, now));
                self.failed = Some((before + 1, since));
                if before + 1 < rule.failures {
                    return None;
                }
                self.failed = None;
                0
            }
        };
        let until = now + rule.open_for * 2_u32.pow(times.min(LONGEST)).min(LONGEST);
        self.open = Some(Open { until, times: times + 1, probe: None });
        Some(until)
    }

    /// Until when it lets nobody pass; after that, one job at a time, until one has said how it went.
    pub(super) fn shut(&self, job: Uuid, now: DateTime<Utc>, runs: &Runs) -> Option<DateTime<Utc>> {
        let open = self.open.as_ref()?;
        if open.until > now {
            return Some(open.until);
        }
        let tries = open.probe.is_some_and(|probe| probe != job && runs.has(probe));
        tries.then(|| now + TimeDelta::seconds(1))
    }

    /// `job` passes: where somebody has to try, it is the one.
    pub(super) const fn passed_by(&mut self, job: Uuid) {
        if let Some(open) = &mut self.open {
            open.probe = Some(job);
        }
    }
}
