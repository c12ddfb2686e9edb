//! What the keeper does: copies controls, opens, takes back, looks for what is missing, refills. With the calls of the
//! real one (`queue/src/keeper/`), in its order, over a ledger that is the model's.

use std::time::Instant;

use std::collections::HashMap;

use patchbay_queue::lanes::{BreakerRule, Hours, Limit, Opening, PauseScope, Rate, Window};
use patchbay_queue::{Envelope, LaneName};
use uuid::Uuid;

use super::Case;
use super::claims::hours;
use super::clock::HOUR;
use super::gates::PARTS;
use super::model::lane_of;
use super::steps::Fate;
use crate::bare::Q;

/// Jobs that an audit looks at in each lane, and behind those that run.
const HEAD: usize = 16;
/// How long a repairer that vanishes keeps what it took.
const GRACE: i64 = 2;
/// How long workers have to say what they run.
pub const SETTLE: i64 = 2;

impl Case {
    /// What is set on a key, as the engine is told.
    pub fn limit(&mut self, key: &LaneName) -> Limit {
        let now = self.clock.now;
        let gate = self.model.gate(key);
        gate.next_opening(now);
        let gate = gate.clone();
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let per_second = |parts: i64| parts as f64 / PARTS as f64 / (HOUR / 1_000) as f64;
        let rate = gate
            .rate
            .map(|rate| Rate { per_second: per_second(rate.parts), burst: i32::try_from(rate.burst).unwrap() });
        let opening = gate.hours.map(|(opens, closes)| {
            let (opens, closes) = (self.clock.redis_time(opens), self.clock.redis_time(closes));
            let days = vec![chrono::Datelike::weekday(&opens)];
            Hours { zone: chrono_tz::UTC, openings: vec![Opening { days, opens: opens.time(), closes: closes.time() }] }
        });
        let breaker = gate.rule.map(|rule| BreakerRule {
            failures: rule.failures,
            within: hours(rule.within),
            open_for: hours(rule.open_for),
        });
        let limit = Limit::new(key.clone());
        Limit { rate, concurrency: gate.most, weight: gate.weight, hours: opening, breaker, ..limit }
    }

    pub async fn copy_controls(&mut self) {
        let lanes = &self.bare.lanes;
        let (revision, now) = (lanes.revision(Q).await.unwrap(), lanes.time(Q).await.unwrap());
        let pauses: Vec<_> = self
            .model
            .gates
            .iter()
            .filter_map(|(key, gate)| Some((PauseScope::Lane(key.clone()), false, self.redis_end(gate.pause?))))
            .collect();
        let keys: Vec<LaneName> = self.model.gates.keys().cloned().collect();
        let limits: Vec<Limit> = keys.iter().map(|key| self.limit(key)).collect();
        assert!(self.bare.lanes.replace_pauses(Q, revision, &pauses).await.unwrap());
        assert!(self.bare.lanes.replace_limits(Q, revision, now, &limits).await.unwrap());
    }

    /// Opens a queue that was emptied, and fills it.
    pub async fn repair(&mut self) {
        self.bare.lanes.correct(Q, self.ahead_ms, 1).await.unwrap();
        self.copy_controls().await;
        self.open(false).await;
        self.bare.lanes.recount(Q).await.unwrap();
        while self.keeper().await {}
    }

    pub async fn open(&mut self, drain: bool) {
        let copy = self.bare.lanes.begin_copy(Q).await.unwrap();
        self.bare.lanes.open_after(Q, copy, drain, hours(SETTLE)).await.unwrap();
        self.model.opened(self.clock.now, self.clock.now + SETTLE);
    }

    /// Takes back the leases that ran out.
    pub async fn expire(&mut self, fate: Fate) {
        let expired = self.bare.lanes.expire(Q, 999, hours(GRACE), "keeper").await.unwrap();
        let now = self.clock.now;
        let mut due: Vec<_> =
            self.model.running.values().filter(|run| run.until <= now).map(|run| run.job.id).collect();
        due.sort_unstable();
        let mut found: Vec<_> = expired.iter().map(|lease| lease.id).collect();
        found.sort_unstable();
        assert_eq!(found, due, "leases that ran out");
        for lease in expired {
            let mut run = self.model.running[&lease.id].clone();
            assert_eq!((lease.before, lease.tenant), (run.job.token, run.job.header.tenant));
            self.model.late.push(run.job.clone());
            (run.job.token, run.until) = (lease.token, now + GRACE);
            self.model.running.insert(lease.id, run.clone());
            match fate {
                Fate::Vanish => {}
                Fate::Back if !run.ended => self.release(&run).await,
                Fate::Back | Fate::Ended => self.ack(&run).await,
            }
        }
    }

    /// Marks the lanes whose head is not here, and refills. Answers whether anything was brought.
    pub async fn keeper(&mut self) -> bool {
        if self.model.closed {
            return false;
        }
        self.audit().await;
        let full = self.bare.lanes.full_lanes(Q, 256).await.unwrap();
        let depths = self.bare.lanes.depths(Q, &full.lanes).await.unwrap();
        let mut running: HashMap<LaneName, usize> = self.bare.lanes.running_by_lane(Q).await.unwrap();
        let mut room = self.window.queue.saturating_sub(full.held);
        let mut taken = 0;
        for (nth, (lane, depth)) in full.lanes.into_iter().zip(depths).enumerate() {
            let few = self.window.few(full.held, nth < full.dry);
            let depth = usize::try_from(depth).unwrap();
            if depth > self.window.lane / 2 {
                continue;
            }
            let takes = (self.window.lane - depth).min(room.max(few.saturating_sub(depth)));
            room = room.saturating_sub(takes);
            let most = takes + depth + running.remove(&lane).unwrap_or(0);
            let (pushed, whole) = self.push_firsts(&lane, most).await;
            taken += pushed;
            if whole {
                self.bare.lanes.unmark_full(Q, [&lane]).await.unwrap();
                taken += self.push_firsts(&lane, most).await.0;
            }
        }
        taken > 0
    }

    async fn audit(&mut self) {
        let ledger = self.model.ledger();
        let lanes: Vec<LaneName> = ledger.keys().cloned().collect();
        let depths = self.bare.lanes.depths(Q, &lanes).await.unwrap();
        let full = self.bare.lanes.are_full(Q, &lanes).await.unwrap();
        let running = self.bare.lanes.running_by_lane(Q).await.unwrap();
        let mut missing = Vec::new();
        for ((lane, depth), full) in lanes.into_iter().zip(depths).zip(full) {
            let waiting: Vec<Uuid> = ledger[&lane].values().map(|job| job.id).collect();
            let head = &waiting[..HEAD.min(waiting.len())];
            let behind_runs = HEAD + running.get(&lane).copied().unwrap_or(0);
            let looks_behind = !full && head.len() == HEAD && depth < HEAD as u64;
            if !self.all_here(head).await
                || looks_behind && !self.all_here(&waiting[..behind_runs.min(waiting.len())]).await
            {
                missing.push(lane);
            }
        }
        self.bare.lanes.mark_full(Q, &missing).await.unwrap();
    }

    async fn all_here(&self, jobs: &[Uuid]) -> bool {
        self.bare.lanes.present(Q, jobs).await.unwrap().into_iter().all(|here| here)
    }

    /// Pushes those of a lane's first jobs that are not here. Answers how many, and whether these are all it has.
    async fn push_firsts(&mut self, lane: &LaneName, most: usize) -> (usize, bool) {
        let jobs = self.model.ledger().remove(lane).unwrap_or_default();
        let firsts: Vec<Envelope> = jobs.into_values().take(most).collect();
        let present = self.bare.lanes.present(Q, firsts.iter().map(|job| &job.id)).await.unwrap();
        let absent: Vec<Envelope> =
            firsts.iter().zip(present).filter(|(_, here)| !here).map(|(job, _)| job.clone()).collect();
        let window = Window { lane: self.window.queue, ..self.window };
        let pushed = self.bare.lanes.refill(Q, &absent, window, Instant::now()).await.unwrap();
        // Whose worker had not said in time that it runs is handed out again: the worker hears that its lease is lost.
        let here = self.bare.lanes.present(Q, absent.iter().map(|job| &job.id)).await.unwrap();
        for (job, _) in absent.iter().zip(here).filter(|(_, here)| *here) {
            if let Some(astray) = self.model.astray.remove(&job.id) {
                assert_eq!(lane_of(&astray), *lane);
                self.model.late.push(astray.clone());
                self.model.wait(astray);
            }
        }
        (pushed, firsts.len() < most)
    }
}
