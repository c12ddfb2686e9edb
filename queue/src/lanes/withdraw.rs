//! Taking waiting jobs out of their lanes: they are held, cancelled, changed or over.
//!
//! The ledger decides, and a claim does not ask it. So what somebody holds or cancels is taken out of Redis before the
//! ledger is written, and once more after the commit. That alone would not keep out a push that was under way all the while:
//! a dispatcher's backlog behind a Redis that stood still, a keeper's rows that were read before the commit. So it is
//! remembered for a while (`dropped`): until the commit nothing brings it back, afterwards whatever says that it knows the
//! ledger as of a later instant ([`push`](super::push)).
//! How to break it: push what was read before, as of now.

use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;
use uuid::Uuid;

use super::script::script;
use super::{LaneName, Lanes};

static WITHDRAW: LazyLock<Script> = script!("parts/keys", "withdraw");

/// Jobs of one call: few enough that Redis is never held up for long.
const CHUNK: usize = 150;

/// For how long nothing brings back a job of which the ledger was not told: whoever meant to may have fallen.
const DECIDING: Duration = Duration::from_secs(5);

/// When somebody takes a job out of its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before the ledger is told: nothing may start meanwhile.
    BeforeCommit,
    /// When the ledger has it.
    AfterCommit,
}

impl When {
    const fn kept(self) -> Duration {
        match self {
            Self::BeforeCommit => DECIDING,
            Self::AfterCommit => Duration::ZERO,
        }
    }
}

impl Lanes {
    /// Takes waiting jobs out of their lanes, to which they may come back at once; for those that are changed, or over, in
    /// the ledger. Answers for each whether it runs: then it was left alone.
    ///
    /// # Errors
    /// Redis's.
    pub async fn withdraw(&self, queue: &str, jobs: &[(Uuid, LaneName)]) -> redis::RedisResult<Vec<bool>> {
        self.take_out(queue, false, None, jobs).await
    }

    /// Takes waiting jobs out of their lanes and keeps them out; for those that are held. Answers as
    /// [`withdraw`](Self::withdraw).
    ///
    /// # Errors
    /// Redis's.
    pub async fn hold_back(&self, queue: &str, jobs: &[(Uuid, LaneName)], when: When) -> redis::RedisResult<Vec<bool>> {
        self.take_out(queue, false, Some(when.kept()), jobs).await
    }

    /// Takes waiting jobs out of their lanes and keeps them out, or asks the workers that run them to stop. Answers for each
    /// whether it runs.
    ///
    /// # Errors
    /// Redis's.
    pub async fn drop_or_cancel(
        &self,
        queue: &str,
        jobs: &[(Uuid, LaneName)],
        when: When,
    ) -> redis::RedisResult<Vec<bool>> {
        self.take_out(queue, true, Some(when.kept()), jobs).await
    }

    async fn take_out(
        &self,
        queue: &str,
        ask: bool,
        kept: Option<Duration>,
        jobs: &[(Uuid, LaneName)],
    ) -> redis::RedisResult<Vec<bool>> {
        let kept = kept.map(|kept| kept.as_millis().to_string()).unwrap_or_default();
        let mut running = Vec::with_capacity(jobs.len());
        for chunk in jobs.chunks(CHUNK) {
            let mut call = WITHDRAW.key(self.prefix(queue));
            call.arg(u8::from(ask)).arg(&kept);
            for (id, lane) in chunk {
                call.arg(id.to_string()).arg(lane.tenant.to_string()).arg(&lane.lane);
            }
            let answers: Vec<i64> = call.invoke_async::<Vec<i64>>(&mut self.conn()).await?;
            running.extend(answers.into_iter().map(|answer| answer == 2));
        }
        Ok(running)
    }
}
