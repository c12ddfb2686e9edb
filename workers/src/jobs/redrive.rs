//! `jobs.redrive`.

use std::sync::Arc;

use async_trait::async_trait;
use patchbay_db::Db;
use patchbay_domain::jobs::pace::Deed;
use patchbay_jobs::jobs::RedriveDead;
use patchbay_queue::{Handler, JobContext, JobError, Outcome};
use patchbay_service::Clock;

use super::pace::{Paced, Wanted};

/// Lets dead letters run again at a pace.
#[derive(Debug)]
pub struct Redriver(Paced);

impl Redriver {
    /// A handler over `db`.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self(Paced::new(db, clock, Deed::Redrive, "redriven"))
    }
}

#[async_trait]
impl Handler<RedriveDead> for Redriver {
    async fn run(&self, job: RedriveDead, ctx: &JobContext) -> Result<Outcome, JobError> {
        let RedriveDead { selection, limit, per_second } = job;
        self.0.run(&Wanted { selection, limit, per_second }, ctx).await
    }
}
