//! The handle that programs carry: it opens transactions, and does nothing else with a connection.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use patchbay_queue::Dispatcher;
use patchbay_queue::seal::Seal;

use crate::error::DbResult;
use crate::ids::{Ids, TenantId, TypedId};
use crate::pool::Pools;
use crate::system::SystemTx;
use crate::tenant::Tx;

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pools: Pools,
    ids: Ids,
    dispatcher: Dispatcher,
    seal: Option<Arc<dyn Seal>>,
}

impl Db {
    /// Puts the parts together; see [`Pools::new`], [`Ids::new`] and [`Dispatcher::start`].
    pub fn new(pools: Pools, ids: Ids, dispatcher: Dispatcher) -> Self {
        Self { pools, ids, dispatcher, seal: None }
    }

    /// Seals the secret fields of the jobs that are enqueued; without it such jobs are refused.
    #[must_use]
    pub fn sealing(mut self, seal: Arc<dyn Seal>) -> Self {
        self.seal = Some(seal);
        self
    }

    pub(crate) fn seal(&self) -> Option<&Arc<dyn Seal>> {
        self.seal.as_ref()
    }

    /// Begins a transaction of one tenant: the one way to its data.
    ///
    /// # Errors
    /// [`crate::DbError::Unavailable`] when no connection is to be had within the acquire timeout.
    pub async fn begin(&self, tenant: TenantId) -> DbResult<Tx> {
        Tx::begin(self, tenant, false).await
    }

    /// As [`begin`](Self::begin), but the server refuses every write.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub async fn begin_read(&self, tenant: TenantId) -> DbResult<Tx> {
        Tx::begin(self, tenant, true).await
    }

    /// Begins a transaction over all tenants, for the reason given.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub async fn system(&self, reason: &'static str) -> DbResult<SystemTx> {
        SystemTx::begin(self, reason).await
    }

    /// A new id of this instant, in order with all others of this process.
    pub fn new_id<T: TypedId>(&self, now: DateTime<Utc>) -> T {
        self.ids.make(now)
    }

    /// The generator itself, for many ids.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// Where committed jobs go; also the way to the lanes, for those who look at them.
    pub fn dispatcher(&self) -> &Dispatcher {
        &self.dispatcher
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.pools
    }
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Db")
    }
}
