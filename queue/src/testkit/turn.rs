//! Whose turn it is: start-time fair queueing, as the claim script does it, one job at a time.

use std::collections::HashMap;

use uuid::Uuid;

use super::memory::World;
use super::row::{State, TestJob};

/// Virtual times: of a queue, of its tenants, and of their lanes.
#[derive(Default)]
pub(super) struct Turns {
    queues: HashMap<String, f64>,
    tenants: HashMap<(String, Uuid), f64>,
    lanes: HashMap<(String, Uuid, String), f64>,
    pub weights: HashMap<Uuid, f64>,
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
    pub(super) fn pay(&mut self, job: &TestJob) {
        let (of_tenant, of_lane) = self.place(job);
        let (queue, tenant, lane) = (job.new.queue.clone(), job.new.tenant_id, job.new.lane.clone());
        let cost = f64::from(job.new.cost.max(1));
        let weight = self.weights.get(&tenant).copied().unwrap_or(1.0);
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
        for job in self.jobs.values().filter(|job| job.state == State::Waiting) {
            let lane = (job.new.queue.as_str(), job.new.tenant_id, job.new.lane.as_str());
            let head = heads.entry(lane).or_insert(job);
            if rank(job) < rank(head) {
                *head = job;
            }
        }
        let mut open: Vec<&TestJob> =
            heads.into_values().filter(|job| self.limits.passes(&job.new, self.now)).collect();
        open.sort_by(|a, b| {
            let (a_at, b_at) = (self.turns.place(a), self.turns.place(b));
            a_at.0.total_cmp(&b_at.0).then(a_at.1.total_cmp(&b_at.1)).then(rank(a).cmp(&rank(b)))
        });
        let chosen = (*open.first()?).clone();
        self.limits.charge(&chosen.new, self.now);
        self.turns.pay(&chosen);
        Some(chosen.new.id)
    }
}

/// A job's place in its lane.
fn rank(job: &TestJob) -> (i64, Uuid) {
    (crate::Envelope::from(&job.new).score(), job.new.id)
}
