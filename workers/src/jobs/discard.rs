//! `jobs.discard`.

use std::sync::Arc;

use async_trait::async_trait;
use patchbay_db::Db;
use patchbay_domain::jobs::pace::Deed;
use patchbay_jobs::jobs::DiscardDead;
use patchbay_queue::{Handler, JobContext, JobError, Outcome};
use patchbay_service::Clock;

use super::pace::{Paced, Wanted};

/// Puts dead letters away at a pace.
#[derive(Debug)]
pub struct Discarder(Paced);

impl Discarder {
    /// A handler over `db`.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self(Paced::new(db, clock, Deed::Discard, "discarded"))
    }
}

#[async_trait]
impl Handler<DiscardDead> for Discarder {
    async fn run(&self, job: DiscardDead, ctx: &JobContext) -> Result<Outcome, JobError> {
        let DiscardDead { selection, limit, per_second } = job;
        self.0.run(&Wanted { selection, limit, per_second }, ctx).await
    }
}
