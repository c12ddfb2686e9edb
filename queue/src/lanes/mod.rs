//! The dispatcher's side in Redis: who is next, who may run, who runs.
//!
//! Per queue (one hash slot: `{queue}` is the tag) a two-level ready index. `turn` orders the tenants
//! that may be served by virtual time, `turn:<tenant>` a tenant's lanes by theirs, and
//! `lane:<tenant>\n<lane>` a lane's jobs. What may not be served now is at a *key* (a tenant, or a prefix of
//! a lane's path: `limit.rs`): `later` orders keys by the instant from which they may let something through,
//! `wait:<key>` the lanes that wait there, and `parked:<tenant>` says where each of them waits. `tag` and
//! `tags:<tenant>` remember where those that left the turn left off, `away` where those did whose backlog had yet to come
//! from the ledger, and `owed` what they missed meanwhile. `jobs` holds the envelopes, or
//! who runs what; `leases` until when; `live` how many run under each key; `cancel` which of them somebody wants stopped, and
//! `dropped` what was taken out of its lane a moment ago.
//! `limit`, `hours`, `rule`, `weight`, `pause`, `kinds` are the ledger's controls; `tat`, `debt:<key>`, `penalty`,
//! `breaker` and `fails:<key>` what has come of them.
//! Nothing here is the truth: all of it can be rebuilt from the ledger, and is, after a flush.
//! One script a file (`scripts/`), each bounded by its arguments; what several share is in `scripts/parts/`.
//!
//! How to break it: a loop in a script without a bound; a key that does not begin with the prefix
//! (Redis Cluster would refuse it); deleting from `jobs` what still has a lease; taking a lane out of `wait:` and
//! leaving it in `parked:`, where nobody looks for it any more.

mod as_of;
mod breaker;
mod budgets;
mod claim;
mod control;
mod explain;
mod flow;
mod forget;
mod hours;
mod lease;
mod limit;
mod limits;
mod locks;
mod measured;
mod oldest;
mod pause;
mod push;
mod risks;
mod script;
mod skew;
mod stats;
mod stops;
mod tokens;
mod top;
mod withdraw;
mod workers;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use redis::Client;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use uuid::Uuid;

pub use breaker::Report;
pub use budgets::AT_ONCE as BUDGETS_AT_ONCE;
pub use claim::{CLAIM_MAX, Claimed};
pub use control::CopyBegun;
pub use explain::{Block, Blocker, Key, Place, Waiting};
pub use flow::Flow;
pub use hours::{Hours, Opening};
pub use lease::{Expired, Renewed};
pub use limit::{BreakerRule, DEPTH, EVERY_QUEUE, Limit, Rate, RateLimit, SEPARATOR, Unfit};
use measured::Measured;
pub use pause::PauseScope;
pub use push::{FullLanes, Window};
pub(crate) use skew::TOLERATED as SKEW_TOLERATED;
pub use stats::{LaneStats, QueueStats};
pub use stops::Stop;
pub use tokens::Granted;
pub use top::TenantStats;
pub use withdraw::When;
pub use workers::{LISTED_FOR, SHOWN_AT_MOST, ServedQueue, WorkerJob, WorkerView};

/// One lane: a tenant's, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneName {
    /// Whose.
    pub tenant: Uuid,
    /// The sub-key; empty for the tenant's own lane.
    pub lane: String,
}

impl LaneName {
    /// How Redis names it.
    fn key(&self) -> String {
        format!("{}\n{}", self.tenant, self.lane)
    }

    /// How Redis names it as a key of limits and pauses.
    fn field(&self) -> String {
        match (self.tenant.is_nil(), self.lane.is_empty()) {
            (true, true) => "*".to_owned(),
            (false, true) => self.tenant.to_string(),
            (_, false) => self.key(),
        }
    }
}

/// Changed with what the scripts keep, where an older script would misread it.
const LAYOUT: u8 = 5;

/// A handle to the lanes of every queue; cheap to clone, one multiplexed connection that heals itself.
#[derive(Clone)]
pub struct Lanes {
    conn: ConnectionManager,
    /// A second one, see [`Lanes::apart`].
    apart: Arc<OnceLock<ConnectionManager>>,
    client: Client,
    namespace: String,
    timeouts: Timeouts,
    run: measured::Run,
    heard: as_of::Heard,
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lanes").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}

/// How long Redis may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to be made.
    pub connect: Duration,
    /// For an answer: a Redis that stalls must not hold a caller.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), answer: Duration::from_secs(5) }
    }
}

/// A connection that many share, and that heals itself; made when it is used first.
fn connection(client: &Client, timeouts: Timeouts) -> redis::RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(timeouts.connect))
        .set_response_timeout(Some(timeouts.answer))
        .set_number_of_retries(2)
        .set_min_delay(Duration::from_millis(50))
        .set_max_delay(Duration::from_millis(500));
    ConnectionManager::new_lazy_with_config(client.clone(), config)
}

impl Lanes {
    /// As [`connect_within`](Self::connect_within), with the default [`Timeouts`].
    ///
    /// # Errors
    /// As there.
    pub fn connect(url: &str, namespace: &str) -> redis::RedisResult<Self> {
        Self::connect_within(url, namespace, Timeouts::default())
    }

    /// Connects lazily: a Redis that is down now is weather, not an error. `namespace` keeps
    /// installations apart that share a Redis.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn connect_within(url: &str, namespace: &str, timeouts: Timeouts) -> redis::RedisResult<Self> {
        let client = Client::open(url)?;
        let conn = connection(&client, timeouts)?;
        let (run, heard) = (measured::Run::default(), as_of::Heard::default());
        Ok(Self { conn, apart: Arc::default(), client, namespace: namespace.to_owned(), timeouts, run, heard })
    }

    /// The same lanes over a second connection, which lives in the runtime of whoever uses it first: for work that must
    /// go on where the runtime of the process is stuck. All clones share it, so only one runtime may ask for it.
    pub(crate) fn apart(&self) -> redis::RedisResult<Self> {
        let conn = match self.apart.get() {
            Some(conn) => conn.clone(),
            None => {
                let conn = connection(&self.client, self.timeouts)?;
                self.apart.get_or_init(|| conn).clone()
            }
        };
        Ok(Self { conn, ..self.clone() })
    }

    /// The prefix of a queue's keys.
    fn prefix(&self, queue: &str) -> String {
        format!("{}:{{{queue}}}:", self.namespace)
    }

    /// The connection that commands share; blocking commands must not use it.
    fn conn(&self) -> Measured {
        Measured(self.conn.clone(), self.run.clone())
    }

    /// Whether Redis answers.
    ///
    /// # Errors
    /// Redis's.
    pub async fn ping(&self) -> redis::RedisResult<()> {
        redis::cmd("PING").query_async(&mut self.conn()).await
    }

    /// The identity of the running Redis: changes when it is restarted.
    ///
    /// # Errors
    /// Redis's.
    pub async fn run_id(&self) -> redis::RedisResult<String> {
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut self.conn()).await?;
        Ok(info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().to_owned())
    }

    /// The same, asked only where the connection is new. Whatever Redis counted is worth something only to those who know
    /// that it is still the same: one that was restarted may have lost its last second, a replica more. With the layout that
    /// this engine gives its keys, after a slash: what another one laid out is as good as forgotten.
    pub(super) async fn current_run(&self) -> redis::RedisResult<Arc<str>> {
        let known = self.run.lock().expect("no holder of this lock can panic").clone();
        if let Some(run) = known {
            return Ok(run);
        }
        let run: Arc<str> = format!("{}/{LAYOUT}", self.run_id().await?).into();
        *self.run.lock().expect("no holder of this lock can panic") = Some(run.clone());
        Ok(run)
    }

    /// A connection of its own on which to wait for a bell: the wait would hold up everything else.
    ///
    /// # Errors
    /// Redis's.
    pub async fn bell(&self) -> redis::RedisResult<Bell> {
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connect))
            .set_response_timeout(None);
        let conn = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Bell { conn, answer: self.timeouts.answer })
    }

    /// Rings the bell of `queue`: somebody who waits there looks.
    pub(crate) async fn ring(&self, queue: &str) -> redis::RedisResult<()> {
        redis::cmd("LPUSH").arg(self.bell_key(queue)).arg(1).query_async(&mut self.conn()).await
    }

    /// The bell's key of `queue`, for [`Bell::wait`].
    #[must_use]
    pub fn bell_key(&self, queue: &str) -> String {
        format!("{}bell", self.prefix(queue))
    }
}

/// A connection that waits for work.
#[derive(Debug)]
pub struct Bell {
    conn: redis::aio::MultiplexedConnection,
    answer: Duration,
}

impl Bell {
    /// Waits for the bell at `key`, `at_most` this long (rounded to Redis's milliseconds).
    ///
    /// # Errors
    /// Redis's; the bell is then broken and has to be made anew.
    pub async fn wait(&mut self, key: &str, at_most: Duration) -> redis::RedisResult<bool> {
        let seconds = at_most.as_secs_f64().max(0.001);
        let wait = async {
            redis::cmd("BLPOP").arg(key).arg(seconds).query_async::<Option<(String, String)>>(&mut self.conn).await
        };
        // A connection cut without a word would block for ever.
        match tokio::time::timeout(at_most + self.answer, wait).await {
            Ok(answer) => answer.map(|rung| rung.is_some()),
            Err(_) => Err(redis::RedisError::from((redis::ErrorKind::Io, "the bell's connection fell silent"))),
        }
    }
}
