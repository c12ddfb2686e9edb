//! Leases: who runs what until when.

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::future::try_join_all;
use redis::Script;
use uuid::Uuid;

use super::Lanes;
use super::script::script;
use crate::Envelope;

static ACK: LazyLock<Script> = script!("parts/keys", "parts/live", "ack");
static RELEASE: LazyLock<Script> = script!("parts/keys", "parts/turns", "parts/live", "release");
static RENEW: LazyLock<Script> = script!("parts/keys", "parts/live", "renew");
static EXPIRE: LazyLock<Script> = script!("parts/keys", "expire");
static RECOUNT: LazyLock<Script> = script!("parts/keys", "parts/live", "recount");

/// What became of a lease at its renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewed {
    /// It holds.
    Held,
    /// It holds, and somebody wants the job cancelled.
    CancelRequested,
    /// Redis had forgotten it and holds it again. Whoever has ended the job meanwhile ends this too.
    Adopted,
    /// It is gone: the job belongs to somebody else, or to nobody.
    Lost,
}

/// A lease that ran out, now held by the repairer that asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// The job.
    pub id: Uuid,
    /// The repairer's token.
    pub token: i64,
    /// Whose job.
    pub tenant: Uuid,
    /// Who had it.
    pub worker: String,
    /// The token under which they had it.
    pub before: i64,
}

/// Leases of one call: a script must not hold Redis up.
const CHUNK: usize = 50;
/// The same where they end, which costs less.
const ENDED: usize = 128;
/// The same where they are only counted.
const RECOUNTED: usize = 1_000;

impl Lanes {
    /// Ends leases; answers how many still held.
    ///
    /// # Errors
    /// Redis's; the leases then run out, and the ledger knows that the jobs are done.
    pub async fn ack(&self, queue: &str, leases: &[(Uuid, i64)]) -> redis::RedisResult<usize> {
        let calls = leases.chunks(ENDED).map(|chunk| {
            let mut call = ACK.key(self.prefix(queue));
            for (id, token) in chunk {
                call.arg(id.to_string()).arg(*token);
            }
            let mut conn = self.conn();
            async move { call.invoke_async::<usize>(&mut conn).await }
        });
        Ok(try_join_all(calls).await?.into_iter().sum())
    }

    /// Gives leased jobs back to their lanes, as `envelopes` say they now are (under `token`).
    ///
    /// # Errors
    /// Redis's.
    pub async fn release(&self, queue: &str, jobs: &[Envelope]) -> redis::RedisResult<usize> {
        let mut back = 0;
        for chunk in jobs.chunks(CHUNK) {
            let mut call = RELEASE.key(self.prefix(queue));
            for job in chunk {
                call.arg(job.id.to_string()).arg(job.token).arg(job.score()).arg(job.pack());
            }
            back += call.invoke_async::<usize>(&mut self.conn()).await?;
        }
        Ok(back)
    }

    /// Extends the leases of `worker` to `lease` from now; answers for each what became of it.
    ///
    /// # Errors
    /// Redis's; the leases are then as old as their last renewal.
    pub async fn renew(
        &self,
        queue: &str,
        worker: &str,
        leases: &[(Uuid, i64, super::LaneName)],
        lease: Duration,
    ) -> redis::RedisResult<Vec<Renewed>> {
        let mut all = Vec::with_capacity(leases.len());
        for chunk in leases.chunks(CHUNK) {
            let mut call = RENEW.key(self.prefix(queue));
            call.arg(u64::try_from(lease.as_millis()).unwrap_or(u64::MAX)).arg(worker);
            for (id, token, lane) in chunk {
                call.arg(id.to_string()).arg(*token).arg(lane.tenant.to_string()).arg(&lane.lane);
            }
            let answers: Vec<u8> = call.invoke_async::<Vec<u8>>(&mut self.conn()).await?;
            all.extend(answers.into_iter().map(|answer| match answer {
                1 => Renewed::Held,
                2 => Renewed::CancelRequested,
                3 => Renewed::Adopted,
                _ => Renewed::Lost,
            }));
        }
        Ok(all)
    }

    /// Takes over up to `limit` leases that ran out, for `grace`.
    ///
    /// # Errors
    /// Redis's.
    pub async fn expire(
        &self,
        queue: &str,
        limit: usize,
        grace: Duration,
        name: &str,
    ) -> redis::RedisResult<Vec<Expired>> {
        let answer: Vec<(String, i64, String, String, i64)> = EXPIRE
            .key(self.prefix(queue))
            .arg(limit)
            .arg(u64::try_from(grace.as_millis()).unwrap_or(u64::MAX))
            .arg(name)
            .invoke_async::<Vec<String>>(&mut self.conn())
            .await?
            .chunks_exact(5)
            .map(|c| (c[0].clone(), c[1].parse().unwrap_or(0), c[2].clone(), c[3].clone(), c[4].parse().unwrap_or(0)))
            .collect();
        Ok(answer
            .into_iter()
            .filter_map(|(id, token, tenant, worker, before)| {
                Some(Expired { id: id.parse().ok()?, token, tenant: tenant.parse().ok()?, worker, before })
            })
            .collect())
    }

    /// Counts anew what runs under each key, unless that is too much for one call.
    ///
    /// # Errors
    /// Redis's.
    pub async fn recount(&self, queue: &str) -> redis::RedisResult<()> {
        RECOUNT.key(self.prefix(queue)).arg(RECOUNTED).invoke_async(&mut self.conn()).await
    }
}
