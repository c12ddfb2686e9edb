//! Whose turn it is: start-time fair queueing, as the claim script does it, one job at a time.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::keys::keys;
use super::limits::Asking;
use super::memory::World;
use super::row::{State, TestJob};

/// Virtual times: of a queue, of its tenants, and of their lanes.
#[derive(Default)]
pub(super) struct Turns {
    queues: HashMap<String, f64>,
    tenants: HashMap<(String, Uuid), f64>,
    lanes: HashMap<(String, Uuid, String), f64>,
}

impl Turns {
    /// Where a job's tenant and lane stand; one that was idle begins where the queue is now.
    fn place(&self, job: &TestJob) -> (f64, f64) {
        let (queue, tenant, lane) = (job.new.queue.clone(), job.new.tenant_id, job.new.lane.clone());
        let floor = self.queues.get(&queue).copied().unwrap_or(0.0);
        let of_tenant = self.tenants.get(&(queue.clone(), tenant)).copied().unwrap_or(0.0).max(floor);
        (of_tenant, self.lanes.get(&(queue, tenant, lane)).copied().unwrap_or(0.0))
    }

    /// The job is served: its tenant and lane pay for it.
    pub(super) fn pay(&mut self, job: &TestJob, weight: f64) {
        let (of_tenant, of_lane) = self.place(job);
        let (queue, tenant, lane) = (job.new.queue.clone(), job.new.tenant_id, job.new.lane.clone());
        let cost = f64::from(job.new.cost.max(1));
        self.tenants.insert((queue.clone(), tenant), of_tenant + cost * 1000.0 / weight);
        self.lanes.insert((queue.clone(), tenant, lane), of_lane + cost);
        let floor = self.queues.entry(queue).or_default();
        *floor = floor.max(of_tenant);
    }
}

impl World {
    /// The next job that may run now; its rates are charged.
    pub(super) fn next(&mut self) -> Option<Uuid> {
        let mut heads: HashMap<(&str, Uuid, &str), &TestJob> = HashMap::new();
        for job in self.jobs.values().filter(|job| job.state == State::Waiting && !self.runs.has(job.new.id)) {
            let lane = (job.new.queue.as_str(), job.new.tenant_id, job.new.lane.as_str());
            let head = heads.entry(lane).or_insert(job);
            if rank(job) < rank(head) {
                *head = job;
            }
        }
        let mut heads: Vec<&TestJob> = heads.into_values().collect();
        heads.sort_by(|a, b| {
            let (a_at, b_at) = (self.turns.place(a), self.turns.place(b));
            a_at.0.total_cmp(&b_at.0).then(a_at.1.total_cmp(&b_at.1)).then(rank(a).cmp(&rank(b)))
        });
        // Who waits at a key goes first there: a dear job is not overtaken by cheap ones for ever.
        let mut waited_at = HashSet::new();
        let chosen = heads.into_iter().find(|job| {
            let queue = job.new.queue.as_str();
            if keys(job.new.tenant_id, &job.new.lane).into_iter().any(|key| waited_at.contains(&(queue, key))) {
                return false;
            }
            let asking = Asking { queue, job: job.new.id, now: self.now, runs: &self.runs };
            let stopped_at = self.limits.stopped_at(asking, &job.new);
            stopped_at.map(|key| waited_at.insert((queue, key))).is_none()
        })?;
        let chosen = chosen.clone();
        self.limits.charge(&chosen.new, self.now);
        self.turns.pay(&chosen, self.limits.weight(&chosen.new.queue, chosen.new.tenant_id));
        Some(chosen.new.id)
    }
}

/// A job's place in its lane.
fn rank(job: &TestJob) -> (i64, Uuid) {
    (crate::Envelope::from(&job.new).score(), job.new.id)
}
