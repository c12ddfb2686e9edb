//! What "ready" means for a worker: the ledger answers, Redis answers, and claims are happening.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use patchbay_queue::backend::Vitals;
use patchbay_service::Shutdown;
use patchbay_service::connect::Connections;
use patchbay_service::health::Health;

/// Claims come about once a second on an idle worker; after this long without one something is wrong.
const QUIET: Duration = Duration::from_secs(10);

/// The queues that this process serves, once it does.
pub(super) type Served = Arc<OnceLock<Vec<(String, Vitals)>>>;

/// The checks of this process.
pub(super) fn health(shutdown: &Shutdown, connections: &Connections, served: Served) -> Health {
    let (db, lanes) = (connections.db.clone(), connections.lanes.clone());
    Health::builder("patchbay-worker", shutdown)
        .check("database", move || {
            let db = db.clone();
            async move {
                let tx = db.system("readiness").await.map_err(|_| "no transaction can be had".to_owned())?;
                tx.rollback().await.map_err(|_| "no transaction can be had".to_owned())
            }
        })
        .check("redis", move || {
            let lanes = lanes.clone();
            async move { lanes.ping().await.map_err(|_| "no answer".to_owned()) }
        })
        .check("claims", move || std::future::ready(claims(&served)))
        .build()
}

fn claims(served: &Served) -> Result<(), String> {
    for (queue, vitals) in served.get().ok_or("not begun")? {
        if let Some(name) = vitals.broken() {
            return Err(format!("the {name} of {queue} is broken"));
        }
        if !vitals.has_claimed() {
            return Err(format!("none from {queue} yet"));
        }
        let closed = vitals.closed_for();
        if closed > QUIET {
            let closed = closed.as_secs();
            return Err(format!("{queue} is closed for {closed} s: no scheduler has told Redis its limits and pauses"));
        }
        let quiet = vitals.without_claims();
        if quiet > QUIET {
            return Err(format!("none from {queue} for {} s", quiet.as_secs()));
        }
    }
    Ok(())
}
