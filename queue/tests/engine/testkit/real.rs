//! The engine, worked by hand: no worker, and an hour that is over at once.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use patchbay_queue::lanes::{Limit, Report, When};
use patchbay_queue::ledger::crash::{Begun, mark_running};
use patchbay_queue::ledger::settle::{End, Settlement, settle};
use patchbay_queue::ledger::{JobRow, cancel, controls, dependencies, groups, hold};
use patchbay_queue::*;
use uuid::Uuid;

use super::same::LANE;
use crate::told::attempt;
use crate::world::{Act, QUEUE, Work, World};

/// What an hour changes in Redis: whatever is to come is an hour nearer. (Windows of failures are shorter than that.)
const AN_HOUR_LATER: &str = r"
local p, ms = KEYS[1], 3600000
for _, name in ipairs({ 'leases', 'later' }) do
    for _, id in ipairs(redis.call('ZRANGE', p .. name, 0, -1)) do redis.call('ZINCRBY', p .. name, -ms, id) end
end
local function each(name, nearer)
    local all = redis.call('HGETALL', p .. name)
    for i = 1, #all, 2 do redis.call('HSET', p .. name, all[i], nearer(all[i + 1])) end
end
local function first_nearer(value)
    local at, rest = string.match(value, '^(%S+)(.*)$')
    return string.format('%.3f', at - ms) .. rest
end
each('tat', first_nearer)
each('breaker', first_nearer)
for _, key in ipairs(redis.call('KEYS', p .. 'debt:*')) do
    redis.call('SET', key, first_nearer(redis.call('GET', key)), 'KEEPTTL')
end
for _, key in ipairs(redis.call('KEYS', p .. 'fails:*')) do redis.call('DEL', key) end
";

pub(super) struct Real {
    pub world: World,
    pub tenant: Uuid,
}

impl Real {
    fn lane(&self) -> LaneName {
        LaneName { tenant: self.tenant, lane: LANE.into() }
    }

    /// Takes the next job, if one may run now.
    async fn next(&self) -> Option<Envelope> {
        let lease = Duration::from_secs(600);
        self.world.lanes.claim(QUEUE, 1, lease, "by-hand").await.unwrap().jobs.pop()
    }

    pub async fn sweep(&self) {
        self.world.keeper().sweep().await.unwrap();
    }

    pub async fn drain(&self) {
        self.sweep().await;
        while let Some(job) = self.next().await {
            let act = serde_json::from_slice::<Work>(&job.payload).unwrap().act;
            let went = if act == Act::Succeed { Report::Ok } else { Report::Failure };
            let behind = LaneName { tenant: self.tenant, lane: "pa".into() };
            self.world.lanes.report(QUEUE, &behind, went).await.unwrap();
            let mut conn = self.world.ledger.get().await.unwrap();
            let settled = settle(&mut conn, "by-hand", &[end_of(&job, &act)]).await.unwrap();
            self.world.lanes.ack(QUEUE, &[(job.id, job.token)]).await.unwrap();
            let mut freed = settled.ready;
            freed.extend(follow(&mut conn).await);
            let freed: Vec<Envelope> = freed.into_iter().map(Envelope::from).collect();
            self.world.lanes.push(QUEUE, &freed, self.world.window, Instant::now()).await.unwrap();
        }
    }

    /// The next job begins, and its worker vanishes.
    pub async fn crash(&self) {
        self.sweep().await;
        let Some(job) = self.next().await else { return };
        let mut conn = self.world.ledger.get().await.unwrap();
        let begun = Begun { tenant: self.tenant, id: job.id, token: job.token, since: Utc::now() };
        assert_eq!(mark_running(&mut conn, "by-hand", &[begun]).await.unwrap(), 1);
    }

    pub async fn limit(&self, limit: Limit) {
        let mut conn = self.world.ledger.get().await.unwrap();
        controls::set_limit(&mut conn, QUEUE, &limit).await.unwrap();
        self.world.lanes.set_limits(QUEUE, &[limit]).await.unwrap();
    }

    /// An hour goes by, and the keeper has looked.
    pub async fn an_hour_later(&self) {
        let mut conn = self.world.ledger.get().await.unwrap();
        let nearer = "UPDATE queue.jobs SET run_at = run_at - interval '1 hour' WHERE state = 'scheduled'";
        diesel::sql_query(nearer).execute(&mut conn).await.unwrap();
        let mut redis = self.world.redis().await;
        let later = redis::Script::new(AN_HOUR_LATER);
        let () = later.key(self.world.key("")).invoke_async(&mut redis).await.unwrap();
        self.sweep().await;
    }

    pub async fn cancel(&self, id: Uuid) {
        let runs = self.world.lanes.drop_or_cancel(QUEUE, &[(id, self.lane())], When::BeforeCommit).await.unwrap();
        let mut conn = self.world.ledger.get().await.unwrap();
        cancel::cancel(&mut conn, self.tenant, id, runs[0]).await.unwrap();
    }

    pub async fn hold(&self, id: Uuid) {
        let jobs = [(id, self.lane())];
        self.world.lanes.withdraw(QUEUE, &jobs).await.unwrap();
        let mut conn = self.world.ledger.get().await.unwrap();
        hold::hold(&mut conn, self.tenant, &[id], hold::OPERATOR, "wait").await.unwrap();
        self.world.lanes.withdraw(QUEUE, &jobs).await.unwrap();
    }
}

fn end_of(job: &Envelope, act: &Act) -> Settlement {
    let is_last = job.header.errors + 1 >= job.header.max_attempts;
    let end = match act {
        Act::Succeed => End::Succeeded(None),
        Act::Fail if !is_last => End::Again {
            at: Utc::now() + TimeDelta::minutes(30),
            errors: 1,
            crashes: 0,
            interruptions: 0,
            attempt: attempt("retryable"),
            reason: None,
        },
        Act::Fail => End::Dead { errors: 1, crashes: 0, attempt: attempt("retryable") },
        _ => End::Dead { errors: 1, crashes: 0, attempt: attempt("permanent") },
    };
    Settlement {
        tenant: job.header.tenant,
        id: job.id,
        token: job.token,
        started_at: Utc::now(),
        end,
        progress: None,
        generation: job.header.generation,
    }
}

/// What the keeper does after ends, as often as there is something to do; answers what it frees, to be pushed.
pub(super) async fn follow(conn: &mut AsyncPgConnection) -> Vec<JobRow> {
    let mut freed = Vec::new();
    while groups::any_delta(conn).await.unwrap() || dependencies::any_ended(conn).await.unwrap() {
        groups::fold(conn, 1_000).await.unwrap();
        freed.extend(dependencies::pass_on(conn, 1_000).await.unwrap());
    }
    freed
}
