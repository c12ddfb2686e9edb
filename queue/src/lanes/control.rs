//! The copy of the ledger's controls that a claim reads, as a whole: whether it is there, and whether it is new.
//!
//! The keeper copies what the ledger says; who decides (the API) also writes here at once. The keeper may have read the
//! ledger just before that decision: each decision counts up a revision, and a copy made at an older one is refused.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::Lanes;
use super::script::script;

static OPEN: LazyLock<Script> = script!("parts/keys", "open");

impl Lanes {
    /// How often somebody decided about `queue` here: read it before the ledger.
    ///
    /// # Errors
    /// Redis's.
    pub async fn revision(&self, queue: &str) -> redis::RedisResult<u64> {
        let revision: Option<u64> = redis::cmd("HGET")
            .arg(format!("{}meta", self.prefix(queue)))
            .arg("controls")
            .query_async(&mut self.conn())
            .await?;
        Ok(revision.unwrap_or(0))
    }

    /// As [`open_after`](Self::open_after), where nobody can be running anything yet.
    ///
    /// # Errors
    /// Redis's.
    pub async fn open(&self, queue: &str, drain: bool) -> redis::RedisResult<()> {
        self.open_after(queue, drain, Duration::ZERO).await
    }

    /// Lets the queue's jobs be claimed, after its pauses and limits were copied here. A new, emptied or restarted Redis
    /// starts nothing before (and knows itself by its `run_id`, so a claim that still means the one before finds the queue
    /// closed). What it counted is forgotten then, because its last second may be lost: the buckets start empty, and
    /// nothing starts under a limit on what runs until workers have had `settle` to say what they run. A queue that is
    /// open is left alone, unless `drain` says that something was lost.
    ///
    /// # Errors
    /// Redis's.
    pub async fn open_after(&self, queue: &str, drain: bool, settle: Duration) -> redis::RedisResult<()> {
        let settle = u64::try_from(settle.as_millis()).unwrap_or(u64::MAX);
        let run = self.current_run().await?;
        let mut call = OPEN.key(self.prefix(queue));
        call.arg(u8::from(drain)).arg(settle).arg(&*run);
        if call.invoke_async::<i64>(&mut self.conn()).await? < 0 {
            tracing::warn!(queue, "an older engine laid out this queue's lanes; they are built anew from the ledger");
            // Closed again: what was copied is gone too.
            self.forget(queue).await?;
        }
        Ok(())
    }

    /// Which of `queues` are closed (see [`Lanes::open_after`]).
    ///
    /// # Errors
    /// Redis's.
    pub async fn closed(&self, queues: &[String]) -> redis::RedisResult<Vec<bool>> {
        if queues.is_empty() {
            return Ok(Vec::new());
        }
        let run = self.current_run().await?;
        let mut pipe = redis::pipe();
        for queue in queues {
            pipe.cmd("HMGET").arg(format!("{}meta", self.prefix(queue))).arg("open").arg("run");
        }
        let open: Vec<(Option<i64>, Option<String>)> = pipe.query_async(&mut self.conn()).await?;
        Ok(open.into_iter().map(|(open, of)| open.is_none() || of.as_deref() != Some(&*run)).collect())
    }

    /// A whole hash of `queue`, read in pieces that hold nobody up. What changes meanwhile may be seen or not.
    pub(super) async fn scan(&self, queue: &str, hash: &str) -> redis::RedisResult<HashMap<String, String>> {
        let key = format!("{}{hash}", self.prefix(queue));
        let (mut found, mut cursor) = (HashMap::new(), 0_u64);
        loop {
            let (next, part): (u64, Vec<(String, String)>) =
                redis::cmd("HSCAN").arg(&key).arg(cursor).arg("COUNT").arg(500).query_async(&mut self.conn()).await?;
            found.extend(part);
            cursor = next;
            if cursor == 0 {
                return Ok(found);
            }
        }
    }
}
