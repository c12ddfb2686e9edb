//! Who runs something ends it, gives it back, goes on with it; also when it is not theirs any more.

use patchbay_queue::lanes::Renewed;
use patchbay_queue::*;
use uuid::Uuid;

use super::Case;
use super::claims::hours;
use super::model::{Run, lane_of};
use super::steps::Late;
use crate::bare::Q;

type Lease = (Uuid, i64, LaneName);

fn lease_of(job: &Envelope) -> Lease {
    (job.id, job.token, lane_of(job))
}

impl Case {
    pub async fn ack(&mut self, run: &Run) {
        self.bare.ack(std::slice::from_ref(&run.job)).await;
        self.model.cancelled.remove(&run.job.id);
        self.model.end(run.job.id);
    }

    pub async fn release(&mut self, run: &Run) {
        assert_eq!(self.bare.lanes.release(Q, std::slice::from_ref(&run.job)).await.unwrap(), 1);
        self.model.end(run.job.id);
        self.model.wait(run.job.clone());
    }

    /// Jobs whose lease was forgotten end as well: Redis has no lease to end.
    pub async fn end_astray(&mut self, nth: usize) {
        let nth = nth % self.model.astray.len().max(1);
        let Some(job) = self.model.astray.values().nth(nth).cloned() else { return };
        assert_eq!(self.bare.lanes.ack(Q, &[(job.id, job.token)]).await.unwrap(), 0);
        self.model.astray.remove(&job.id);
        self.model.late.push(job);
    }

    pub async fn renew(&mut self, nth: usize, lease: i64) {
        let mut runs: Vec<(Envelope, Renewed)> = Vec::new();
        if let Some(run) = self.model.nth_running(nth) {
            let id = run.job.id;
            runs.push((
                run.job,
                if self.model.cancelled.contains(&id) { Renewed::CancelRequested } else { Renewed::Held },
            ));
        }
        runs.extend(self.model.astray.values().map(|job| (job.clone(), Renewed::Adopted)));
        let leases: Vec<Lease> = runs.iter().map(|(job, _)| lease_of(job)).collect();
        let wanted: Vec<Renewed> = runs.iter().map(|(_, renewed)| *renewed).collect();
        assert_eq!(self.bare.lanes.renew(Q, "model", &leases, hours(lease)).await.unwrap(), wanted);
        for (job, _) in runs {
            let until = self.clock.now + lease;
            self.model.astray.remove(&job.id);
            let run = Run { job: job.clone(), until, ended: false };
            self.model.running.entry(job.id).or_insert(run).until = until;
        }
    }

    /// A worker that was away too long says what it would have said.
    pub async fn late(&mut self, nth: usize, late: Late) {
        let Some(job) = self.model.nth_late(nth) else { return };
        match late {
            Late::Ack => assert_eq!(self.bare.lanes.ack(Q, &[(job.id, job.token)]).await.unwrap(), 0),
            Late::Release => assert_eq!(self.bare.lanes.release(Q, &[job]).await.unwrap(), 0),
            Late::Renew => self.late_renewal(job).await,
        }
    }

    async fn late_renewal(&mut self, job: Envelope) {
        if self.model.held.contains_key(&job.id) || self.model.astray.contains_key(&job.id) {
            return;
        }
        let here = self.is_here(job.id).await;
        let renewed = self.bare.lanes.renew(Q, "model", &[lease_of(&job)], hours(1)).await.unwrap();
        if here {
            return assert_eq!(renewed, [Renewed::Lost]);
        }
        // Redis cannot tell what it has forgotten from what is over, or waits in the ledger.
        assert_eq!(renewed, [Renewed::Adopted]);
        self.model.late.retain(|late| late.token != job.token || late.id != job.id);
        let ended = self.model.take_out(&job).is_none();
        self.model.running.insert(job.id, Run { job, until: self.clock.now + 1, ended });
    }
}
