//! What a program is connected to: PostgreSQL in both roles, and Redis, as the configuration says.
//!
//! One place for the three programs, because they must agree: a program that pushed into lanes by another window than
//! the one that refills them would fill Redis behind its back.
//! Nothing connects yet when this is made. A database or a Redis that is down at the start is weather, as it is later.

use patchbay_db::{Db, DbConfig, DbError, Ids, Pools};
use patchbay_queue::context::LedgerPool;
use patchbay_queue::lanes::{Timeouts, Window};
use patchbay_queue::{Dispatcher, Lanes};
use secrecy::ExposeSecret as _;

use crate::{Config, Entropy};

/// An address that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// One of PostgreSQL's.
    #[error(transparent)]
    Database(#[from] DbError),
    /// That of Redis.
    #[error("redis.url cannot be used")]
    Redis(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The connections of a process. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    /// The way to the records, and to the ledger's transactions.
    pub db: Db,
    /// The queue engine's own connections.
    pub ledger: LedgerPool,
    /// The lanes in Redis.
    pub lanes: Lanes,
    /// How much of a backlog they hold.
    pub window: Window,
}

impl Connections {
    /// Puts the connections of `program` together, inside a Tokio runtime.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn new(config: &Config, program: &str, entropy: &dyn Entropy) -> Result<Self, ConnectError> {
        let window = Window { lane: config.queue.lane_window, queue: config.queue.queue_window };
        let (lanes, pools) = (lanes(config)?, pools(config, program)?);
        let ledger = pools.system().clone();
        let db = Db::new(pools, Ids::new(entropy.array()), Dispatcher::start(lanes.clone(), window));
        Ok(Self { db, ledger, lanes, window })
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connections")
    }
}

/// Pools of their own, for who must not share those of the process. `program` is shown in `pg_stat_activity`.
///
/// # Errors
/// An address that cannot be used.
pub fn pools(config: &Config, program: &str) -> Result<Pools, ConnectError> {
    let database = &config.database;
    Ok(Pools::new(&DbConfig {
        url: database.url.clone(),
        app_url: database.app_url.clone(),
        system_url: database.system_url.clone(),
        app_connections: database.app_pool_max,
        system_connections: database.system_pool_max,
        connect_timeout: database.connect_timeout,
        acquire_timeout: database.acquire_timeout,
        statement_timeout: database.statement_timeout,
        application_name: program.to_owned(),
    })?)
}

/// A connection to Redis of its own, for who must not share that of the process.
///
/// # Errors
/// An address that cannot be used.
pub fn lanes(config: &Config) -> Result<Lanes, ConnectError> {
    let redis = &config.redis;
    let timeouts = Timeouts { connect: redis.connect_timeout, answer: redis.response_timeout };
    Lanes::connect_within(redis.url.expose_secret(), &redis.namespace, timeouts)
        .map_err(|error| ConnectError::Redis(error.into()))
}
