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

/// That a copy of a queue's controls began (see [`Lanes::begin_copy`]).
#[derive(Debug, Clone, Copy)]
pub struct CopyBegun(u64);

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

    /// As [`open_after`](Self::open_after), where nothing is to be copied and nobody can be running anything yet.
    ///
    /// # Errors
    /// Redis's.
    pub async fn open(&self, queue: &str, drain: bool) -> redis::RedisResult<()> {
        let copy = self.begin_copy(queue).await?;
        self.open_after(queue, copy, drain, Duration::ZERO).await
    }

    /// A copy of the controls begins: a Redis that is emptied before its end does not know of it, and is not opened after it.
    ///
    /// # Errors
    /// Redis's.
    pub async fn begin_copy(&self, queue: &str) -> redis::RedisResult<CopyBegun> {
        let mut meta = redis::cmd("HINCRBY");
        meta.arg(format!("{}meta", self.prefix(queue))).arg("copy").arg(1);
        meta.query_async(&mut self.conn()).await.map(CopyBegun)
    }

    /// Lets the queue's jobs be claimed, after its pauses and limits were copied here. A new, emptied or restarted Redis
    /// starts nothing before (and knows itself by its `run_id`, so a claim that still means the one before finds the queue
    /// closed). What it counted is forgotten then, because its last second may be lost: the buckets start empty, and
    /// nothing starts under a limit on what runs until workers have had `settle` to say what they run. A queue that is
    /// open is left alone, unless `drain` says that something was lost; one that was emptied after `copy` began stays closed.
    ///
    /// # Errors
    /// Redis's.
    pub async fn open_after(
        &self,
        queue: &str,
        copy: CopyBegun,
        drain: bool,
        settle: Duration,
    ) -> redis::RedisResult<()> {
        let settle = u64::try_from(settle.as_millis()).unwrap_or(u64::MAX);
        let run = self.current_run().await?;
        let mut call = OPEN.key(self.prefix(queue));
        call.arg(u8::from(drain)).arg(settle).arg(&*run).arg(copy.0);
        if call.invoke_async::<i64>(&mut self.conn()).await? < 0 {
            tracing::warn!(queue, "an older engine laid out this queue's lanes; they are built anew from the ledger");
            // Closed again: what was copied is gone too.
            self.forget(queue).await?;
        }
        Ok(())
    }

    /// Whether `queue` is closed (see [`Lanes::open_after`]).
    ///
    /// # Errors
    /// Redis's.
    pub async fn is_closed(&self, queue: &str) -> redis::RedisResult<bool> {
        let (run, meta) = (self.current_run().await?, format!("{}meta", self.prefix(queue)));
        let (open, of): (Option<i64>, Option<String>) =
            redis::cmd("HMGET").arg(meta).arg("open").arg("run").query_async(&mut self.conn()).await?;
        Ok(open.is_none() || of.as_deref() != Some(&*run))
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
