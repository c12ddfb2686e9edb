//! Claims of jobs that run at the same time share a transaction.

use std::sync::Arc;
use std::time::Duration;

use patchbay_db::ids::{JobId, TenantId};
use patchbay_db::{DbError, DbResult};
use patchbay_domain::messages::MessageState;
use patchbay_domain::messages::dead::{Failed, split_off};
use patchbay_domain::messages::events::{self, Fact};
use patchbay_domain::messages::send::{Claim, Claimed, claim};
use patchbay_queue::group_commit::{GroupCommit, GroupError, GroupSize};

use super::super::Messaging;

/// Jobs of one transaction, and of one tenant waiting for theirs.
const SIZE: GroupSize = GroupSize { set: 200, waiting: 10_000, pause: Duration::ZERO };

/// The claims of one process.
#[derive(Debug)]
pub(super) struct Claims {
    group: GroupCommit<TenantId, JobId, Vec<Claimed>, Arc<DbError>>,
    messaging: Messaging,
    settle: Duration,
}

impl Claims {
    pub fn new(messaging: &Messaging, settle: Duration) -> Self {
        let shared = messaging.clone();
        let group = GroupCommit::new(SIZE, move |tenant, jobs: Vec<JobId>| {
            let messaging = shared.clone();
            async move {
                let all = Claim { jobs: &jobs, limit: i64::MAX, segments: i64::MAX, settle };
                let mut claimed = claim_set(&messaging, tenant, &all, None).await.map_err(Arc::new)?;
                let of = |job: &JobId| claimed.extract_if(.., |message| message.job_id == *job).collect();
                Ok(jobs.iter().map(of).collect())
            }
        });
        Self { group, messaging: messaging.clone(), settle }
    }

    /// The message of a job of one, with other jobs' in one transaction.
    pub async fn single(&self, tenant: TenantId, job: JobId) -> Result<Vec<Claimed>, GroupError<Arc<DbError>>> {
        self.group.submit(tenant, job).await
    }

    /// At most `limit` messages of a batch's job, of `segments` together; each that fails in the claim becomes a dead
    /// letter of its own.
    pub async fn slice(
        &self,
        tenant: TenantId,
        job: JobId,
        limit: i64,
        segments: i64,
        worker: &str,
    ) -> DbResult<Vec<Claimed>> {
        let slice = Claim { jobs: &[job], limit, segments, settle: self.settle };
        claim_set(&self.messaging, tenant, &slice, Some(worker)).await
    }
}

/// Claims, and writes what the claim itself decided. `split` names the worker where failures leave their job.
async fn claim_set(
    messaging: &Messaging,
    tenant: TenantId,
    wanted: &Claim<'_>,
    split: Option<&str>,
) -> DbResult<Vec<Claimed>> {
    let db = &messaging.db;
    let mut tx = db.begin(tenant).await?;
    let claimed = claim(&mut tx, wanted).await?;
    let decided: Vec<&Claimed> = claimed.iter().filter(|message| message.state != MessageState::Sending).collect();
    if !decided.is_empty() {
        let now = messaging.clock.now();
        let facts: Vec<Fact> = decided.iter().map(|message| fact(message)).collect();
        events::record(&mut tx, db.ids(), now, &facts).await?;
        if let Some(worker) = split {
            let failed: Vec<Failed> =
                decided.iter().filter(|m| m.state == MessageState::Failed).map(|m| failure(m)).collect();
            split_off(&mut tx, db.ids(), now, worker, &failed).await?;
        }
    }
    tx.commit().await?;
    Ok(claimed)
}

fn fact(message: &Claimed) -> Fact {
    Fact {
        message: message.id,
        contact: message.contact_id,
        state: message.state,
        error_code: message.error_code.clone(),
    }
}

fn failure(message: &Claimed) -> Failed {
    Failed {
        message: message.id,
        code: message.error_code.clone().unwrap_or_default(),
        detail: "The provider account could not be used.".to_owned(),
    }
}
