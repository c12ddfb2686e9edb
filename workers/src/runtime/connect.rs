//! What the process is connected to: two pools, Redis's lanes, and the HTTP client of its providers.
//!
//! Nothing connects yet when this is made. A database or a Redis that is down at the start is weather, as it is later.

use std::sync::Arc;

use patchbay_db::{Db, DbConfig, Ids, Pools};
use patchbay_providers::{HttpSettings, Registry as Providers, twilio::Twilio};
use patchbay_queue::context::LedgerPool;
use patchbay_queue::lanes::Window;
use patchbay_queue::{Dispatcher, Lanes};
use patchbay_service::{Config, Entropy, http};
use secrecy::ExposeSecret as _;

use super::Failure;

/// The connections of this process. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    /// The way to the records.
    pub db: Db,
    /// The queue engine's own connections.
    pub ledger: LedgerPool,
    /// The lanes in Redis.
    pub lanes: Lanes,
    /// How much of a backlog they hold.
    pub window: Window,
    /// The providers.
    pub providers: Providers,
}

impl Connections {
    /// Puts the connections together, inside a Tokio runtime.
    ///
    /// # Errors
    /// An address that cannot be read, or a TLS backend that refuses its settings.
    pub fn new(config: &Config, entropy: &Arc<dyn Entropy>) -> Result<Self, Failure> {
        let window = Window { lane: config.queue.lane_window, ..Window::default() };
        let lanes = Lanes::connect(config.redis.url.expose_secret(), &config.redis.namespace)?;
        let pools = Pools::new(&db_config(config))?;
        let ledger = pools.system().clone();
        let db = Db::new(pools, Ids::new(entropy.array()), Dispatcher::start(lanes.clone(), window));
        let settings = HttpSettings {
            base_url: config.providers.twilio.base_url.clone(),
            total_timeout: config.http.request_timeout,
        };
        let providers = Providers::new().with(Twilio::new(http::client(&config.http)?, settings));
        Ok(Self { db, ledger, lanes, window, providers })
    }
}

pub(super) fn db_config(config: &Config) -> DbConfig {
    let database = &config.database;
    DbConfig {
        app_url: database.app_url.clone(),
        system_url: database.system_url.clone(),
        app_connections: database.app_pool_max,
        system_connections: database.system_pool_max,
        acquire_timeout: database.acquire_timeout,
        statement_timeout: database.statement_timeout,
        application_name: "patchbay-worker".to_owned(),
        ..DbConfig::new(database.url.clone())
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connections")
    }
}
