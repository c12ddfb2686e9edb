//! Pauses, rates and penalties: what keeps a lane from being served.
//!
//! The ledger holds what people decided (`queue.pauses`, `queue.limits`); this is the copy that the
//! claim script reads. A penalty (a provider's `Retry-After`) lives only here: it is over soon.

use std::sync::LazyLock;

use redis::Script;
use uuid::Uuid;

use super::{LaneName, Lanes};

static OPEN: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/open.lua")));
static POKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/poke.lua")));

/// What a pause covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PauseScope {
    /// Everybody's jobs in the queue.
    Queue,
    /// One tenant's.
    Tenant(Uuid),
    /// One lane's.
    Lane(LaneName),
}

impl PauseScope {
    fn field(&self) -> String {
        match self {
            Self::Queue => "*".into(),
            Self::Tenant(tenant) => tenant.to_string(),
            Self::Lane(lane) if lane.lane.is_empty() => lane.tenant.to_string(),
            Self::Lane(lane) => lane.key(),
        }
    }

    fn tenant(&self) -> String {
        match self {
            Self::Queue => String::new(),
            Self::Tenant(tenant) => tenant.to_string(),
            Self::Lane(lane) => lane.tenant.to_string(),
        }
    }
}

/// The rate of a lane (or, with an empty lane, of all of a tenant's together), in cost units.
#[derive(Debug, Clone, PartialEq)]
pub struct RateLimit {
    /// Which.
    pub lane: LaneName,
    /// Units a second.
    pub rate_per_second: f64,
    /// Units that may go at once.
    pub burst: i32,
}

impl RateLimit {
    fn field(&self) -> String {
        if self.lane.lane.is_empty() { self.lane.tenant.to_string() } else { self.lane.key() }
    }
}

impl Lanes {
    /// Stops serving `scope` until a Unix millisecond, or (`None`) until it is resumed.
    ///
    /// # Errors
    /// Redis's.
    pub async fn pause(&self, queue: &str, scope: &PauseScope, until_ms: Option<i64>) -> redis::RedisResult<()> {
        redis::cmd("HSET")
            .arg(format!("{}pause", self.prefix(queue)))
            .arg(scope.field())
            .arg(until_ms.unwrap_or(0))
            .query_async(&mut self.conn())
            .await
    }

    /// Serves `scope` again, at once.
    ///
    /// # Errors
    /// Redis's.
    pub async fn resume(&self, queue: &str, scope: &PauseScope) -> redis::RedisResult<()> {
        let () = redis::cmd("HDEL")
            .arg(format!("{}pause", self.prefix(queue)))
            .arg(scope.field())
            .query_async(&mut self.conn())
            .await?;
        self.poke(queue, &scope.tenant()).await
    }

    /// Replaces all pauses of a queue by what the ledger says.
    ///
    /// # Errors
    /// Redis's.
    pub async fn replace_pauses(&self, queue: &str, pauses: &[(PauseScope, Option<i64>)]) -> redis::RedisResult<()> {
        let key = format!("{}pause", self.prefix(queue));
        let before: Vec<String> = redis::cmd("HKEYS").arg(&key).query_async(&mut self.conn()).await?;
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("DEL").arg(&key).ignore();
        for (scope, until) in pauses {
            pipe.cmd("HSET").arg(&key).arg(scope.field()).arg(until.unwrap_or(0)).ignore();
        }
        let () = pipe.query_async(&mut self.conn()).await?;
        let now: Vec<String> = pauses.iter().map(|(scope, _)| scope.field()).collect();
        for lifted in before.iter().filter(|field| !now.contains(field)) {
            let tenant = if lifted == "*" { "" } else { lifted.split('\n').next().unwrap_or_default() };
            self.poke(queue, tenant).await?;
        }
        Ok(())
    }

    /// Sets rates; they hold for work already waiting.
    ///
    /// # Errors
    /// Redis's.
    pub async fn set_limits(&self, queue: &str, limits: &[RateLimit]) -> redis::RedisResult<()> {
        if limits.is_empty() {
            return Ok(());
        }
        let key = format!("{}limit", self.prefix(queue));
        let mut pipe = redis::pipe();
        for limit in limits {
            pipe.cmd("HSET")
                .arg(&key)
                .arg(limit.field())
                .arg(format!("{} {}", limit.rate_per_second, limit.burst))
                .ignore();
        }
        let () = pipe.query_async(&mut self.conn()).await?;
        for limit in limits {
            self.poke(queue, &limit.lane.tenant.to_string()).await?;
        }
        Ok(())
    }

    /// Replaces all rates of a queue by what the ledger says; only what differs is written.
    ///
    /// # Errors
    /// Redis's.
    pub async fn replace_limits(&self, queue: &str, limits: &[RateLimit]) -> redis::RedisResult<()> {
        let key = format!("{}limit", self.prefix(queue));
        let before: std::collections::HashMap<String, String> =
            redis::cmd("HGETALL").arg(&key).query_async(&mut self.conn()).await?;
        let mut gone: Vec<&String> = before.keys().collect();
        let mut changed = Vec::new();
        for limit in limits {
            let field = limit.field();
            if before.get(&field) != Some(&format!("{} {}", limit.rate_per_second, limit.burst)) {
                changed.push(limit.clone());
            }
            gone.retain(|name| **name != field);
        }
        if !gone.is_empty() {
            let () = redis::cmd("HDEL").arg(&key).arg(&gone).query_async(&mut self.conn()).await?;
            for name in gone {
                self.poke(queue, name.split('\n').next().unwrap_or_default()).await?;
            }
        }
        self.set_limits(queue, &changed).await
    }

    /// Lets nothing of a lane start before a Unix millisecond.
    ///
    /// # Errors
    /// Redis's.
    pub async fn penalise(&self, queue: &str, lane: &LaneName, until_ms: i64) -> redis::RedisResult<()> {
        let field = if lane.lane.is_empty() { lane.tenant.to_string() } else { lane.key() };
        redis::cmd("HSET")
            .arg(format!("{}penalty", self.prefix(queue)))
            .arg(field)
            .arg(until_ms)
            .query_async(&mut self.conn())
            .await
    }

    /// Sets a tenant's weight: its share against the others', 1 where nothing is set.
    ///
    /// # Errors
    /// Redis's.
    pub async fn set_weight(&self, queue: &str, tenant: Uuid, weight: f64) -> redis::RedisResult<()> {
        redis::cmd("HSET")
            .arg(format!("{}weight", self.prefix(queue)))
            .arg(tenant.to_string())
            .arg(weight.max(0.001))
            .query_async(&mut self.conn())
            .await
    }

    /// Lets the queue's jobs be claimed, after its pauses and rates were copied here. A new or emptied
    /// Redis starts nothing before. `drain`: its last second may be lost, so the buckets start empty.
    ///
    /// # Errors
    /// Redis's.
    pub async fn open(&self, queue: &str, drain: bool) -> redis::RedisResult<()> {
        OPEN.key(self.prefix(queue)).arg(u8::from(drain)).invoke_async::<i64>(&mut self.conn()).await.map(drop)
    }

    /// Which of `queues` are closed (see [`Lanes::open`]).
    ///
    /// # Errors
    /// Redis's.
    pub async fn closed(&self, queues: &[String]) -> redis::RedisResult<Vec<bool>> {
        if queues.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipe = redis::pipe();
        for queue in queues {
            pipe.cmd("HEXISTS").arg(format!("{}meta", self.prefix(queue))).arg("open");
        }
        let open: Vec<bool> = pipe.query_async(&mut self.conn()).await?;
        Ok(open.into_iter().map(|open| !open).collect())
    }

    async fn poke(&self, queue: &str, tenant: &str) -> redis::RedisResult<()> {
        POKE.key(self.prefix(queue)).arg(tenant).invoke_async::<i64>(&mut self.conn()).await.map(drop)
    }
}
