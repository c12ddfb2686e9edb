//! Dispatcher repair in the scheduler: the same keeper that every worker has.
//!
//! One of all keepers works at a time. The scheduler's makes sure that there is one even while no worker runs, so that
//! Redis is complete when they come.

use std::time::Duration;

use patchbay_queue::{Keeper, KeeperSettings};
use patchbay_service::connect::Connections;

/// A keeper called `name`; `lease` is that of the workers.
#[must_use]
pub fn keeper(connections: &Connections, name: &str, lease: Duration) -> Keeper {
    let settings = KeeperSettings { window: connections.window, lease, ..KeeperSettings::new(name) };
    Keeper::new(connections.lanes.clone(), connections.ledger.clone(), settings)
}
