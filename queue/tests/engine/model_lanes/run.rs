//! Each step, done to the lanes and to the model.

use std::time::Instant;

use patchbay_queue::lanes::{PauseScope, When};
use patchbay_queue::*;
use uuid::Uuid;

use super::Case;
use super::gates::{NEVER, Rate};
use super::model::lane_of;
use super::steps::Step;
use super::{LANES, TENANTS, key_of};
use crate::bare::{Q, envelope, key};

impl Case {
    /// Ids in the order in which jobs are made, ten milliseconds apart.
    fn next_id(&mut self, late: bool) -> Uuid {
        self.made += 1;
        let at = 1_790_000_000_000 + u128::from(self.made) * 10 - if late { 25 } else { 0 };
        Uuid::from_u128(at << 80 | 7 << 76 | 2 << 62 | u128::from(self.made))
    }

    pub fn redis_end(&self, hour: i64) -> Option<i64> {
        (hour != NEVER).then(|| self.clock.redis_ms(hour))
    }

    /// Whether Redis has a job of the lane, waiting or leased.
    pub async fn is_here(&self, id: Uuid) -> bool {
        self.bare.lanes.present(Q, &[id]).await.unwrap() == [true]
    }

    pub async fn push(&mut self, tenant: usize, lane: usize, costs: Vec<i32>, priority: i16, late: bool) {
        let mut jobs = Vec::new();
        for cost in costs {
            let mut job = envelope(self.next_id(late), TENANTS[tenant], LANES[lane], cost, "k");
            job.header.priority = priority;
            jobs.push(job);
        }
        // Who would push dies first, where Redis was emptied.
        if !self.model.closed {
            let pushed = self.bare.lanes.push(Q, &jobs, self.window, Instant::now()).await.unwrap();
            assert!(pushed == jobs.len() || self.is_bounded(), "an endless window takes all");
        }
        jobs.into_iter().for_each(|job| self.model.wait(job));
    }

    async fn push_again(&self, nth: usize) {
        if self.model.closed {
            return;
        }
        let running = self.model.nth_running(nth).filter(|run| !run.ended).map(|run| run.job);
        for job in running.into_iter().chain(self.model.nth_waiting(nth)) {
            let here = self.is_here(job.id).await;
            let pushed = self.bare.lanes.push(Q, &[job], self.window, Instant::now()).await.unwrap();
            assert!(pushed == 0 || !here, "it is here already");
        }
    }

    async fn drop_job(&mut self, nth: usize) {
        if let Some(run) = self.model.nth_running(nth).filter(|_| nth.is_multiple_of(2)) {
            let lane = lane_of(&run.job);
            assert_eq!(
                self.bare.lanes.drop_or_cancel(Q, &[(run.job.id, lane)], When::BeforeCommit).await.unwrap(),
                [true]
            );
            self.model.cancelled.insert(run.job.id);
        } else if let Some(job) = self.model.nth_waiting(nth) {
            let (place, known) = ([(job.id, lane_of(&job))], Instant::now());
            let when = if nth.is_multiple_of(3) { When::BeforeCommit } else { When::AfterCommit };
            assert_eq!(self.bare.lanes.drop_or_cancel(Q, &place, when).await.unwrap(), [false]);
            self.model.take_out(&job);
            let late = self.bare.lanes.push(Q, std::slice::from_ref(&job), self.window, known).await.unwrap();
            assert!(late == 0 && !self.is_here(job.id).await, "a push that was under way comes too late");
        }
    }

    async fn withdraw(&mut self, nth: usize) {
        if let Some(job) = self.model.nth_waiting(nth) {
            assert_eq!(self.bare.lanes.withdraw(Q, &[(job.id, lane_of(&job))]).await.unwrap(), [false]);
            self.model.take_out(&job);
            self.model.held.insert(job.id, job);
        }
    }

    pub async fn come_back(&mut self, nth: usize) {
        if let Some(job) = self.model.nth_held(nth) {
            if !self.model.closed {
                self.bare.lanes.push(Q, std::slice::from_ref(&job), self.window, Instant::now()).await.unwrap();
            }
            self.model.held.remove(&job.id);
            self.model.wait(job);
        }
    }

    async fn tokens(&mut self, nth: usize, want: i64, as_job: bool) {
        let running = self.model.nth_running(nth).filter(|_| as_job);
        let lane = running
            .as_ref()
            .map_or_else(|| key(TENANTS[nth % TENANTS.len()], LANES[nth % LANES.len()]), |run| lane_of(&run.job));
        let asking = running.map(|run| run.job.id);
        let granted = match asking {
            Some(job) => self.bare.lanes.take_tokens_as(Q, &lane, job, want).await.unwrap(),
            None => self.bare.lanes.take_tokens(Q, &lane, want).await.unwrap(),
        };
        let wanted = self.model.tokens(&lane, want, asking, self.clock.now);
        assert_eq!(granted.units, wanted, "{:?}", self.model.gates_of(&lane).collect::<Vec<_>>());
        if wanted > 0 {
            self.model.charge(&lane, wanted, asking, self.clock.now);
        }
    }

    pub async fn pass(&mut self, hours: i64) {
        self.clock.pass(&self.bare, &mut self.redis, hours).await;
        self.model.gates.values_mut().for_each(|gate| gate.lags = false);
    }

    async fn report(&mut self, nth: usize, ok: bool) {
        let ruled: Vec<LaneName> =
            self.model.gates.iter().filter(|(_, gate)| gate.rule.is_some()).map(|(key, _)| key.clone()).collect();
        if let Some(key) = ruled.get(nth % ruled.len().max(1)) {
            self.report_to(&key.clone(), ok).await;
        }
    }

    pub async fn report_to(&mut self, told: &LaneName, ok: bool) {
        let went = if ok { lanes::Report::Ok } else { lanes::Report::Failure };
        let open = self.bare.lanes.report(Q, told, went).await.unwrap();
        let now = self.clock.now;
        let twins = std::collections::BTreeSet::from([told.clone(), key(SYSTEM_TENANT, &told.lane)]);
        let mut until = now;
        for twin in twins {
            let gate = self.model.gate(&twin);
            gate.report(ok, now);
            if gate.rule.is_some() {
                until = until.max(gate.open.map_or(now, |open| open.until));
            }
        }
        assert_eq!(open.is_some(), until > now, "{open:?}");
    }

    /// Writes a decision about a key to Redis as well.
    pub async fn set(&mut self, key: &LaneName) {
        let limit = self.limit(key);
        self.bare.limit(limit).await;
        let gate = self.model.gate(key);
        (gate.kept, gate.lags) = (0, false);
    }

    pub async fn step(&mut self, step: Step) {
        let now = self.clock.now;
        match step {
            Step::Push { tenant, lane, costs, priority, late } => self.push(tenant, lane, costs, priority, late).await,
            Step::PushAgain(nth) => self.push_again(nth).await,
            Step::Claim { want, lease, kept } => drop(self.claim(want, lease, kept).await),
            Step::Ack(nth) => match self.model.nth_running(nth) {
                Some(run) => self.ack(&run).await,
                None => self.end_astray(nth).await,
            },
            Step::Release(nth) => {
                if let Some(run) = self.model.nth_running(nth).filter(|run| !run.ended) {
                    self.release(&run).await;
                }
            }
            Step::Late(nth, late) => self.late(nth, late).await,
            Step::Renew(nth, lease) => self.renew(nth, lease).await,
            Step::Expire(fate) => self.expire(fate).await,
            Step::Drop(nth) => self.drop_job(nth).await,
            Step::Withdraw(nth) => self.withdraw(nth).await,
            Step::ComeBack(nth) => self.come_back(nth).await,
            Step::Tokens { nth, want, as_job } => self.tokens(nth, want, as_job).await,
            Step::Pass(hours) => self.pass(hours).await,
            Step::Recount => self.bare.lanes.recount(Q).await.unwrap(),
            Step::Copy if self.model.closed => {}
            Step::Copy => self.copy_controls().await,
            Step::Drain if self.model.closed => {}
            Step::Drain => self.open(true).await,
            Step::Flush => {
                self.bare.lanes.forget(Q).await.unwrap();
                self.model.flush();
            }
            Step::Repair if !self.model.closed => {}
            Step::Repair => self.repair().await,
            Step::Report(..) if self.model.closed => {}
            Step::Report(nth, ok) => self.report(nth, ok).await,
            Step::Penalise(nth, hours) => {
                self.bare.lanes.penalise(Q, &key_of(nth), self.clock.redis_ms(now + hours)).await.unwrap();
                let gate = self.model.gate(&key_of(nth));
                gate.penalty = gate.penalty.max(now + hours);
            }
            Step::Pause(nth, hours) => self.pause(&key_of(nth), hours).await,
            Step::Resume(nth) => {
                let paused: Vec<LaneName> = self
                    .model
                    .gates
                    .iter()
                    .filter(|(_, gate)| gate.pause.is_some())
                    .map(|(key, _)| key.clone())
                    .collect();
                if let Some(key) = paused.get(nth % paused.len().max(1)) {
                    self.resume(key).await;
                }
            }
            Step::Hours(nth, from, long) => {
                self.model.gate(&key_of(nth)).hours = Some((now + from, now + from + long));
                self.set(&key_of(nth)).await;
            }
            Step::Most(nth, most) => {
                self.model.gate(&key_of(nth)).most = most;
                self.set(&key_of(nth)).await;
            }
            Step::Rate(nth, rate) => self.set_rate(&key_of(nth), rate).await,
            Step::Lift(nth, hours) => {
                let mut rated = self.model.gates.iter().filter_map(|(key, gate)| Some((key.clone(), gate.rate?)));
                if let Some((key, rate)) = rated.nth(nth % rated.clone().count().max(1)) {
                    self.set_rate(&key, None).await;
                    self.pass(hours).await;
                    self.set_rate(&key, Some(rate)).await;
                }
            }
            Step::Rule(nth, rule) => {
                let gate = self.model.gate(&key_of(nth));
                gate.rule = rule;
                if rule.is_none() {
                    gate.open = None;
                }
                self.set(&key_of(nth)).await;
            }
            Step::Weight(tenant, weight) => {
                self.model.gate(&key(TENANTS[tenant], "")).weight = Some(weight);
                self.set(&key(TENANTS[tenant], "")).await;
            }
        }
    }

    async fn set_rate(&mut self, key: &LaneName, rate: Option<Rate>) {
        self.model.gate(key).set_rate(rate, self.clock.now);
        self.set(key).await;
    }

    async fn pause(&mut self, key: &LaneName, hours: Option<i64>) {
        let until = hours.map_or(NEVER, |hours| self.clock.now + hours);
        self.model.gate(key).pause = Some(until);
        self.bare.lanes.pause(Q, &PauseScope::Lane(key.clone()), self.redis_end(until)).await.unwrap();
    }

    pub async fn resume(&mut self, key: &LaneName) {
        self.model.gate(key).pause = None;
        self.bare.lanes.resume(Q, &PauseScope::Lane(key.clone())).await.unwrap();
    }
}
