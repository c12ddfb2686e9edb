//! Putting jobs into their lanes.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Instant;

use futures_util::future::try_join_all;
use redis::Script;
use uuid::Uuid;

use super::script::script;
use super::{LaneName, Lanes};
use crate::Envelope;

static PUSH: LazyLock<Script> = script!("parts/keys", "parts/turns", "push");
static UNMARK: LazyLock<Script> = script!("parts/keys", "unmark");

/// How much of a backlog Redis holds; the rest waits in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Jobs of one lane; a keeper gives more to one that is worked off fast.
    pub lane: usize,
    /// Jobs of one queue, all lanes together: the bound of what Redis holds. Beyond it each lane has a few places, and beyond
    /// twice as many (four times, where it has run dry) one place.
    pub queue: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { lane: 1_000, queue: 50_000 }
    }
}

impl Window {
    /// The places that every lane has even where the queue holds as many as it may (`push.lua` knows them too): else a
    /// newcomer would never be seen. One that has run dry is served now, and has them for longer: else those whose jobs may
    /// not start would keep out those whose may.
    #[must_use]
    pub const fn few(&self, held: usize, dry: bool) -> usize {
        if held < (if dry { 4 } else { 2 }) * self.queue { 16 } else { 1 }
    }
}

/// Lanes with more in the ledger than here.
#[derive(Debug, Default)]
pub struct FullLanes {
    /// Some of them, those first that have run dry.
    pub lanes: Vec<LaneName>,
    /// How many of these have.
    pub dry: usize,
    /// How many there are.
    pub count: usize,
    /// Jobs of the queue that are here, running ones included.
    pub held: usize,
}

/// Jobs of one script call: short enough that Redis is never held up for long.
const CHUNK: usize = 64;
/// Calls on their way at a time: others are served between them, and who pushes does not wait for each.
const AT_ONCE: usize = 4;

fn lane_of(job: &Envelope) -> (Uuid, &str) {
    (job.header.tenant, &job.header.lane)
}

/// By lane, each in its order: a call looks once at a lane.
fn by_lane(jobs: &[Envelope]) -> Vec<&Envelope> {
    let mut jobs: Vec<&Envelope> = jobs.iter().collect();
    jobs.sort_by(|a, b| lane_of(a).cmp(&lane_of(b)));
    jobs
}

impl Lanes {
    /// Pushes jobs of one queue by somebody who knows the ledger as of `as_of` (before the statement that answered the jobs,
    /// or before their commit); answers how many were taken. One that is there already is left alone, one whose lane is full
    /// waits in the ledger, and so does one that somebody took out since; where `as_of` is seconds ago, all do.
    ///
    /// # Errors
    /// Redis's; what was not pushed is found by the audit.
    pub async fn push(
        &self,
        queue: &str,
        jobs: &[Envelope],
        window: Window,
        as_of: Instant,
    ) -> redis::RedisResult<usize> {
        let mut jobs = by_lane(jobs);
        if jobs.len() > CHUNK {
            jobs = self.admitted(queue, jobs).await?;
        }
        self.push_all(queue, &jobs, window, false, as_of).await
    }

    /// As [`push`](Self::push), of what is next in lanes that may be marked full.
    ///
    /// # Errors
    /// As there.
    pub async fn refill(
        &self,
        queue: &str,
        jobs: &[Envelope],
        window: Window,
        as_of: Instant,
    ) -> redis::RedisResult<usize> {
        self.push_all(queue, &by_lane(jobs), window, true, as_of).await
    }

    async fn push_all(
        &self,
        queue: &str,
        jobs: &[&Envelope],
        window: Window,
        refill: bool,
        as_of: Instant,
    ) -> redis::RedisResult<usize> {
        let mut taken = 0;
        for some in jobs.chunks(CHUNK * AT_ONCE) {
            let calls = some.chunks(CHUNK).map(|chunk| self.push_some(queue, chunk, window, refill, as_of));
            for (some, now_ms) in try_join_all(calls).await? {
                self.heard(now_ms);
                taken += some;
            }
        }
        Ok(taken)
    }

    async fn push_some(
        &self,
        queue: &str,
        jobs: &[&Envelope],
        window: Window,
        refill: bool,
        as_of: Instant,
    ) -> redis::RedisResult<(usize, i64)> {
        let mut call = PUSH.key(self.prefix(queue));
        call.arg(window.lane).arg(window.queue).arg(u8::from(refill)).arg(self.as_of(as_of).await?);
        for of_lane in jobs.chunk_by(|a, b| lane_of(a) == lane_of(b)) {
            let header = &of_lane[0].header;
            call.arg(header.tenant.to_string()).arg(&header.lane).arg(of_lane.len());
            for job in of_lane {
                call.arg(job.id.to_string()).arg(job.score()).arg(job.pack());
            }
        }
        call.invoke_async(&mut self.conn()).await
    }

    /// Leaves out jobs of lanes that are marked full, but urgent ones: they would be turned away, and need not be sent for
    /// that.
    async fn admitted<'a>(&self, queue: &str, jobs: Vec<&'a Envelope>) -> redis::RedisResult<Vec<&'a Envelope>> {
        let p = self.prefix(queue);
        let lanes: Vec<&[&Envelope]> = jobs.chunk_by(|a, b| lane_of(a) == lane_of(b)).collect();
        let names: Vec<String> =
            lanes.iter().map(|lane| lane_of(lane[0])).map(|(tenant, lane)| format!("{tenant}\n{lane}")).collect();
        let full: Vec<bool> =
            redis::cmd("SMISMEMBER").arg(format!("{p}full")).arg(names).query_async(&mut self.conn()).await?;
        let admitted = lanes.into_iter().zip(full).flat_map(|(jobs, full)| jobs.iter().map(move |job| (*job, full)));
        let admitted: Vec<&Envelope> =
            admitted.filter(|(job, full)| !full || job.header.priority > 0).map(|(job, _)| job).collect();
        if admitted.len() < jobs.len() {
            let left_out = jobs.len() - admitted.len();
            let () = redis::cmd("HINCRBY")
                .arg(format!("{p}flow"))
                .arg("in")
                .arg(left_out)
                .query_async(&mut self.conn())
                .await?;
        }
        Ok(admitted)
    }

    /// The lanes of `queue` that were too full for all their jobs: up to `most` of those that have run dry since, which are
    /// told once, and as many others, whichever.
    ///
    /// # Errors
    /// Redis's.
    pub async fn full_lanes(&self, queue: &str, most: usize) -> redis::RedisResult<FullLanes> {
        let p = self.prefix(queue);
        let (mut names, others, count, held): (Vec<String>, Vec<String>, usize, usize) = redis::pipe()
            .cmd("SPOP")
            .arg(format!("{p}dry"))
            .arg(most)
            .cmd("SRANDMEMBER")
            .arg(format!("{p}full"))
            .arg(most)
            .cmd("SCARD")
            .arg(format!("{p}full"))
            .cmd("HLEN")
            .arg(format!("{p}jobs"))
            .query_async(&mut self.conn())
            .await?;
        let known: HashSet<String> = names.iter().cloned().collect();
        let dry = names.len();
        names.extend(others.into_iter().filter(|name| !known.contains(name)));
        Ok(FullLanes {
            lanes: names.iter().filter_map(|name| super::stats::parse_lane(name)).collect(),
            dry,
            count,
            held,
        })
    }

    /// Marks lanes as having more in the ledger than here.
    ///
    /// # Errors
    /// Redis's.
    pub async fn mark_full(&self, queue: &str, lanes: &[LaneName]) -> redis::RedisResult<()> {
        if lanes.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = lanes.iter().map(LaneName::key).collect();
        redis::cmd("SADD").arg(format!("{}full", self.prefix(queue))).arg(names).query_async(&mut self.conn()).await
    }

    /// Unmarks lanes: everything they have is here. Whose lane had run dry missed nothing.
    ///
    /// # Errors
    /// Redis's.
    pub async fn unmark_full(&self, queue: &str, lanes: impl IntoIterator<Item = &LaneName>) -> redis::RedisResult<()> {
        let mut call = UNMARK.key(self.prefix(queue));
        for lane in lanes {
            call.arg(lane.tenant.to_string()).arg(&lane.lane);
        }
        call.invoke_async(&mut self.conn()).await
    }
}
