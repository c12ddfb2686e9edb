//! A job of one message: the hot path. Its cost was charged when the job was taken.

use std::time::Instant;

use patchbay_db::TypedId;
use patchbay_db::ids::{JobId, TenantId};
use patchbay_domain::messages::MessageState;
use patchbay_domain::messages::send::{Claimed, failure_of};
use patchbay_queue::ledger::progress::Progress;
use patchbay_queue::{JobContext, JobError, Outcome};

use super::super::fault;
use super::SendHandler;
use super::deliver::Sendout;
use super::fate::Fate;

const SUCCEEDED: Progress = Progress { total: 1, succeeded: 1, failed: 0, skipped: 0, held: 0 };
const SKIPPED: Progress = Progress { succeeded: 0, skipped: 1, ..SUCCEEDED };
const FAILED: Progress = Progress { succeeded: 0, failed: 1, ..SUCCEEDED };

impl SendHandler {
    pub(super) async fn run_single(&self, ctx: &JobContext) -> Result<Outcome, JobError> {
        let (tenant, job) = (TenantId::from_uuid(ctx.tenant()), JobId::from_uuid(ctx.id()));
        let since = Instant::now();
        let claimed = self.claims.single(tenant, job).await.map_err(fault::group)?;
        let Some(message) = claimed.into_iter().next() else { return self.nothing_left(tenant, job, ctx).await };
        match message.state {
            MessageState::Refused => {
                ctx.progress(SKIPPED).await;
                return Ok(Outcome::Done(None));
            }
            MessageState::Failed => {
                ctx.progress(FAILED).await;
                let code = message.error_code.unwrap_or_default();
                return Err(JobError::permanent(code, "The provider account could not be used."));
            }
            _ => {}
        }
        let sendout = Sendout::new(ctx, since);
        let fate = self.fate(&sendout, &message).await?;
        self.records.record(tenant, std::slice::from_ref(&fate), None).await.map_err(fault::group)?;
        self.conclude(fate, ctx).await
    }

    async fn fate(&self, sendout: &Sendout, message: &Claimed) -> Result<Fate, JobError> {
        if message.fresh {
            return Ok(self.deliver(sendout, message).await);
        }
        let mut fates = self.look_up(sendout, std::slice::from_ref(message)).await?;
        Ok(fates.pop().expect("one fate for each message"))
    }

    /// Nothing to claim: cancelled, settled by a receipt, or failed by a run that died before it could say so.
    async fn nothing_left(&self, tenant: TenantId, job: JobId, ctx: &JobContext) -> Result<Outcome, JobError> {
        let read = async {
            let mut tx = self.messaging.db.begin_read(tenant).await?;
            let failed = failure_of(&mut tx, job).await?;
            let counts = patchbay_domain::messages::send::counts(&mut tx, job).await?;
            tx.commit().await?;
            Ok((failed, counts))
        };
        let (failed, counts) = read.await.map_err(|error| fault::db(&error))?;
        if let Some((code, detail)) = failed {
            ctx.progress(FAILED).await;
            return Err(JobError::permanent(code, detail));
        }
        ctx.progress(if counts.sent > 0 { SUCCEEDED } else { SKIPPED }).await;
        Ok(Outcome::Done(None))
    }

    /// What the fate of its message means for the job.
    async fn conclude(&self, fate: Fate, ctx: &JobContext) -> Result<Outcome, JobError> {
        match fate {
            Fate::Sent(_) => {
                ctx.progress(SUCCEEDED).await;
                Ok(Outcome::Done(None))
            }
            Fate::OptedOut(..) => {
                ctx.progress(SKIPPED).await;
                Ok(Outcome::Done(None))
            }
            Fate::Failed(report) | Fate::AuthFailed(report, ..) => {
                ctx.progress(FAILED).await;
                Err(JobError::permanent(report.code.unwrap_or_default(), report.detail.unwrap_or_default()))
            }
            Fate::Throttled(_, throttle) => {
                self.slow_down(&throttle, ctx).await?;
                Ok(Outcome::Snooze { until: throttle.until, reason: throttle.reason })
            }
            Fate::Retry(_, error) | Fate::Unknown(error) => Err(error),
            Fate::Late(report) => {
                let reason = format!("{} has not left and is sent again", report.message);
                Ok(Outcome::Snooze { until: self.messaging.clock.now(), reason })
            }
            Fate::NotBefore(until) => Ok(Outcome::Snooze { until, reason: LOOKING.to_owned() }),
        }
    }
}

/// Why a job with an uncertain send waits.
pub(super) const LOOKING: &str = "it is not known yet whether the message was sent";
