//! Who waits for whom in memory: the ledger's dependencies.

use uuid::Uuid;

use super::memory::World;
use super::row::State;
use crate::After;
use crate::ledger::hold;

impl World {
    /// Ties a new job to what it names, to the one before it in its order, and to the holder of its unique key.
    pub(super) fn tie(&mut self, id: Uuid, successor_of: Option<Uuid>) {
        let job = &self.jobs[&id];
        let tenant = job.new.tenant_id;
        let flow = job.new.flow.as_deref();
        let mut ties: Vec<After> = flow.map(|flow| flow.after.clone()).unwrap_or_default();
        if let Some(key) = flow.and_then(|flow| flow.order.clone()) {
            let before = self.tails.insert((tenant, key), id);
            ties.extend(before.map(|on| After { on, group: false, any_end: false }));
        }
        ties.extend(successor_of.map(|on| After { on, group: false, any_end: true }));
        ties.retain(|tie| tie.on != id && !self.is_over(tenant, *tie));
        if ties.is_empty() {
            return;
        }
        let job = self.jobs.get_mut(&id).expect("looked at above");
        job.ties = ties;
        if job.state != State::Held {
            job.state = State::Held;
            job.held_by = Some(hold::DEPENDENCY.to_owned());
            job.held_reason = Some("waits for other jobs".to_owned());
        }
    }

    fn is_over(&self, tenant: Uuid, tie: After) -> bool {
        if tie.group {
            let counts = self.group(tenant, tie.on);
            return counts.ended && (counts.failed == 0 || tie.any_end);
        }
        let on = self.jobs.get(&tie.on).filter(|job| job.new.tenant_id == tenant);
        on.is_none_or(|job| match job.state {
            State::Succeeded | State::Discarded => true,
            // Cancelled in the middle of a chain, it lets nobody run ahead of what it waited for.
            State::Cancelled => job.ties.is_empty(),
            State::Dead => tie.any_end,
            _ => false,
        })
    }

    /// Lets go whoever waits for nothing any more, until nothing changes.
    pub(super) fn untie(&mut self) {
        loop {
            let tied: Vec<Uuid> = self.jobs.values().filter(|job| !job.ties.is_empty()).map(|job| job.new.id).collect();
            let mut changed = false;
            for id in tied {
                let (tenant, mut ties) = (self.jobs[&id].new.tenant_id, self.jobs[&id].ties.clone());
                ties.retain(|tie| !self.is_over(tenant, *tie));
                changed |= ties.is_empty();
                let now = self.now;
                let job = self.jobs.get_mut(&id).expect("listed above");
                job.ties = ties;
                if job.ties.is_empty() && job.state == State::Held && job.held_by.as_deref() == Some(hold::DEPENDENCY) {
                    job.let_go(now);
                }
            }
            if !changed {
                return;
            }
        }
    }
}
