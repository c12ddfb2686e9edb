//! What the scheduler is connected to. Nothing connects yet when this is made: what is down is weather.

use std::sync::Arc;

use patchbay_db::{Db, DbConfig, Ids, Pools};
use patchbay_queue::context::LedgerPool;
use patchbay_queue::lanes::Window;
use patchbay_queue::{Dispatcher, Lanes};
use patchbay_service::{Config, Entropy};
use secrecy::ExposeSecret as _;

use crate::process::Failure;

/// The connections of this process. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    /// The way to the ledger's transactions.
    pub db: Db,
    /// The queue engine's own connections.
    pub ledger: LedgerPool,
    /// The lanes in Redis.
    pub lanes: Lanes,
    /// How much of a backlog they hold.
    pub window: Window,
}

impl Connections {
    /// Puts the connections together, inside a Tokio runtime.
    ///
    /// # Errors
    /// An address that cannot be read.
    pub fn new(config: &Config, entropy: &Arc<dyn Entropy>) -> Result<Self, Failure> {
        let window = Window { lane: config.queue.lane_window, ..Window::default() };
        let lanes = Lanes::connect(config.redis.url.expose_secret(), &config.redis.namespace)?;
        let database = &config.database;
        let pools = Pools::new(&DbConfig {
            app_url: database.app_url.clone(),
            system_url: database.system_url.clone(),
            // Nothing here is one tenant's.
            app_connections: 1,
            system_connections: database.system_pool_max,
            acquire_timeout: database.acquire_timeout,
            statement_timeout: database.statement_timeout,
            application_name: "patchbay-scheduler".to_owned(),
            ..DbConfig::new(database.url.clone())
        })?;
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
