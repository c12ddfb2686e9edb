//! Taking waiting jobs out of their lanes, without a word to whoever runs one.

use std::sync::LazyLock;

use redis::Script;
use uuid::Uuid;

use super::script::script;
use super::{LaneName, Lanes};

static WITHDRAW: LazyLock<Script> = script!("parts/keys", "withdraw");

/// Jobs of one call of a script that takes jobs out: few enough that Redis is never held up for long.
const CHUNK: usize = 250;

impl Lanes {
    /// Takes waiting jobs out of their lanes; for those that are held, or changed, in the ledger. Answers for each
    /// whether it runs: then it was left alone.
    ///
    /// # Errors
    /// Redis's.
    pub async fn withdraw(&self, queue: &str, jobs: &[(Uuid, LaneName)]) -> redis::RedisResult<Vec<bool>> {
        self.take_out(&WITHDRAW, queue, jobs).await
    }

    /// Has a script take jobs out that answers for each whether it runs.
    pub(super) async fn take_out(
        &self,
        script: &Script,
        queue: &str,
        jobs: &[(Uuid, LaneName)],
    ) -> redis::RedisResult<Vec<bool>> {
        let mut running = Vec::with_capacity(jobs.len());
        for chunk in jobs.chunks(CHUNK) {
            let mut call = script.key(self.prefix(queue));
            for (id, lane) in chunk {
                call.arg(id.to_string()).arg(lane.tenant.to_string()).arg(&lane.lane);
            }
            let answers: Vec<i64> = call.invoke_async::<Vec<i64>>(&mut self.conn()).await?;
            running.extend(answers.into_iter().map(|answer| answer == 2));
        }
        Ok(running)
    }
}
