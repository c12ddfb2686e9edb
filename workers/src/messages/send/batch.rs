//! A job of many messages: slice by slice, each claimed and committed before it is sent, until none is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use patchbay_db::TypedId;
use patchbay_db::ids::{JobId, TenantId};
use patchbay_domain::messages::MessageState;
use patchbay_domain::messages::cancel::cancel_of_job;
use patchbay_domain::messages::lane;
use patchbay_domain::messages::send::{Claimed, counts, next_segments};
use patchbay_queue::ledger::progress::Progress;
use patchbay_queue::{JobContext, JobError, Outcome, Tokens};

use super::super::fault;
use super::SendHandler;
use super::deliver::Sendout;
use super::fate::{Fate, Slow, Throttle, report};
use super::single::LOOKING;

/// Sends of one job that are under way at once.
const AT_ONCE: usize = 64;
/// A wait for tokens that is shorter than the way through the queue is waited out here.
const SHORT: TimeDelta = TimeDelta::milliseconds(250);

/// How long a job waits for messages that another run of it may be sending.
const AGAIN: TimeDelta = TimeDelta::seconds(1);

/// Why a run ends before its messages do.
enum Stop {
    Snooze(Outcome),
    Error(JobError),
}

impl From<JobError> for Stop {
    fn from(error: JobError) -> Self {
        Self::Error(error)
    }
}

/// One run of a batch's job.
struct Run<'a> {
    tenant: TenantId,
    job: JobId,
    ctx: &'a JobContext,
    progress: Progress,
    /// What cannot be judged yet: the job ends so once all else is done.
    after: Option<Stop>,
}

impl SendHandler {
    pub(super) async fn run_batch(&self, total: i32, ctx: &JobContext) -> Result<Outcome, JobError> {
        let (tenant, job) = (TenantId::from_uuid(ctx.tenant()), JobId::from_uuid(ctx.id()));
        let mut run = Run { tenant, job, ctx, progress: self.so_far(tenant, job, total).await?, after: None };
        let ended = self.run_slices(&mut run).await;
        ctx.progress(run.progress).await;
        match ended.map(|outcome| (outcome, run.after)) {
            Ok((Outcome::Done(_), Some(stop))) | Err(stop) => match stop {
                Stop::Snooze(outcome) => Ok(outcome),
                Stop::Error(error) => Err(error),
            },
            Ok((outcome, _)) => Ok(outcome),
        }
    }

    async fn run_slices(&self, run: &mut Run<'_>) -> Result<Outcome, Stop> {
        let since = Instant::now();
        let left = self.claim(run, 0, 0).await?;
        if !left.is_empty() {
            let sendout = Sendout::new(run.ctx, since);
            let fates = self.look_up(&sendout, &left).await?;
            self.settle_slice(run, fates).await?;
        }
        loop {
            if run.ctx.is_cancelled() {
                return self.cancel(run).await;
            }
            let Some((limit, segments)) = self.take_tokens(run).await? else { return self.finish(run).await };
            let since = Instant::now();
            // What this run itself left in `sending` comes back unfresh: it is the next run's to look up.
            let slice: Vec<Claimed> = self.claim(run, limit, segments).await?.into_iter().filter(|m| m.fresh).collect();
            let (sending, decided): (Vec<_>, Vec<_>) =
                slice.into_iter().partition(|message| message.state == MessageState::Sending);
            for message in decided {
                match message.state {
                    MessageState::Failed => run.progress.failed += 1,
                    _ => run.progress.skipped += 1,
                }
            }
            let sendout = Sendout::new(run.ctx, since);
            let fates = self.send_all(&sendout, &sending).await;
            self.settle_slice(run, fates).await?;
            run.ctx.progress(run.progress).await;
        }
    }

    /// Nothing is left to claim. Where that is more than this run did, another run of the job is or was at work (its
    /// lease went when Redis was emptied), or somebody cancelled single messages: what they did is counted, and what
    /// another run has in hand is not left to it.
    async fn finish(&self, run: &mut Run<'_>) -> Result<Outcome, Stop> {
        if run.after.is_none() && run.progress.pending() > 0 {
            run.progress = self.so_far(run.tenant, run.job, run.progress.total).await?;
            if run.progress.pending() > 0 {
                let until = self.messaging.clock.now() + AGAIN;
                return Ok(Outcome::Snooze { until, reason: LOOKING.to_owned() });
            }
        }
        Ok(Outcome::Done(None))
    }

    async fn claim(&self, run: &Run<'_>, limit: i64, segments: i64) -> Result<Vec<Claimed>, JobError> {
        let claimed = self.claims.slice(run.tenant, run.job, limit, segments, run.ctx.worker()).await;
        claimed.map_err(|error| fault::db(&error))
    }

    /// What earlier runs have done. Messages that failed have left the job, which is how they are counted.
    async fn so_far(&self, tenant: TenantId, job: JobId, total: i32) -> Result<Progress, JobError> {
        let read = async {
            let mut tx = self.messaging.db.begin_read(tenant).await?;
            let counts = counts(&mut tx, job).await?;
            tx.commit().await?;
            Ok(counts)
        };
        let counts = read.await.map_err(|error| fault::db(&error))?;
        let failed = (total - counts.pending - counts.sent - counts.skipped).max(0);
        Ok(Progress { total, succeeded: counts.sent, failed, skipped: counts.skipped, held: 0 })
    }

    /// Tokens for the next slice: how many messages at most, of how many segments. Nothing where no message is left.
    async fn take_tokens(&self, run: &Run<'_>) -> Result<Option<(i64, i64)>, Stop> {
        let limit = i64::try_from(self.messaging.settings.send_slice).unwrap_or(100);
        let read = async {
            let mut tx = self.messaging.db.begin_read(run.tenant).await?;
            let next = next_segments(&mut tx, run.job, limit).await?;
            tx.commit().await?;
            Ok(next)
        };
        let next = read.await.map_err(|error| fault::db(&error))?;
        let Some(first) = next.first().copied().map(i64::from) else { return Ok(None) };
        let want: i64 = next.into_iter().map(i64::from).sum();
        let mut have = 0;
        loop {
            match run.ctx.take_tokens(want - have).await? {
                Tokens::Granted(units) => {
                    have += units;
                    // A long text costs more than a slow sender's whole burst: it is saved up for.
                    if have >= first {
                        return Ok(Some((limit, have)));
                    }
                }
                Tokens::RetryAt(at) => {
                    let wait = at - self.messaging.clock.now();
                    if have == 0 && wait > SHORT {
                        let reason = format!("rate limit of sender {}", lane::sender(run.ctx.lane()));
                        return Err(Stop::Snooze(Outcome::Snooze { until: at, reason }));
                    }
                    tokio::time::sleep(wait.to_std().unwrap_or(Duration::from_millis(1))).await;
                }
            }
        }
    }

    /// Sends a slice, some at a time; after a refusal that holds for all of them the rest goes back unsent.
    async fn send_all(&self, sendout: &Sendout, slice: &[Claimed]) -> Vec<Fate> {
        let stopped = AtomicBool::new(false);
        let send = |message| {
            let stopped = &stopped;
            async move {
                if stopped.load(Ordering::Relaxed) {
                    return Fate::Late(report(message, MessageState::Queued));
                }
                let fate = self.deliver(sendout, message).await;
                if matches!(
                    fate,
                    Fate::AuthFailed(..) | Fate::Throttled(_, Throttle { slow: Slow::Sender | Slow::Account(_), .. })
                ) {
                    stopped.store(true, Ordering::Relaxed);
                }
                fate
            }
        };
        let sends: Vec<_> = slice.iter().map(send).collect();
        stream::iter(sends).buffer_unordered(AT_ONCE).collect().await
    }

    /// Records a slice; a stop where going on would be pointless.
    async fn settle_slice(&self, run: &mut Run<'_>, fates: Vec<Fate>) -> Result<(), Stop> {
        let recorded = self.records.record(run.tenant, &fates, Some(run.ctx.worker())).await;
        recorded.map_err(fault::group)?;
        let sent = fates.iter().any(|fate| matches!(fate, Fate::Sent(_)));
        let mut stop = None;
        for fate in fates {
            match fate {
                Fate::Sent(_) => run.progress.succeeded += 1,
                Fate::OptedOut(..) => run.progress.skipped += 1,
                Fate::Failed(_) | Fate::AuthFailed(..) => run.progress.failed += 1,
                Fate::Late(_) => {}
                Fate::Throttled(_, throttle) => {
                    self.slow_down(&throttle, run.ctx).await?;
                    let snooze = Stop::Snooze(Outcome::Snooze { until: throttle.until, reason: throttle.reason });
                    stop.get_or_insert(snooze);
                }
                Fate::Retry(_, error) => stop = Some(Stop::Error(error)),
                Fate::Unknown(error) if sent => run.after = Some(Stop::Error(error)),
                Fate::Unknown(error) => stop = Some(Stop::Error(error)),
                Fate::NotBefore(until) => {
                    let reason = LOOKING.to_owned();
                    run.after.get_or_insert(Stop::Snooze(Outcome::Snooze { until, reason }));
                }
            }
        }
        stop.map_or(Ok(()), Err)
    }

    async fn cancel(&self, run: &mut Run<'_>) -> Result<Outcome, Stop> {
        let write = async {
            let mut tx = self.messaging.db.begin(run.tenant).await?;
            let cancelled = cancel_of_job(&mut tx, run.job).await?;
            tx.commit().await?;
            Ok(cancelled)
        };
        let cancelled = write.await.map_err(|error| fault::db(&error))?;
        run.progress.skipped += i32::try_from(cancelled).unwrap_or(0);
        Ok(Outcome::Cancelled)
    }
}
