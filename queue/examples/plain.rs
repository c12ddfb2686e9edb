//! A worker of the queue "mail", as plain as apalis makes it.

use std::hash::{BuildHasher, RandomState};

use apalis_core::error::BoxDynError;
use apalis_core::worker::builder::WorkerBuilder;
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, deadpool::Pool};
use patchbay_queue::{Envelope, Keeper, KeeperSettings, Lanes, QueueBackend, WorkerSettings};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// What it answers is kept in the ledger, as the job's result.
async fn handle(job: Envelope) -> Result<Value, BoxDynError> {
    Ok(json!({ "kind": job.header.kind, "bytes": job.payload.len() }))
}

#[tokio::main]
async fn main() -> Result<(), BoxDynError> {
    let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(std::env::var("DATABASE_URL")?);
    let ledger = Pool::builder(manager).build()?;
    let lanes = Lanes::connect(&std::env::var("REDIS_URL")?, "app")?;
    // A new name for each process: a dead one's jobs must not look alive.
    let name = format!("worker-{:x}", RandomState::new().hash_one("worker"));

    let stop = CancellationToken::new();
    let keeper = Keeper::new(lanes.clone(), ledger.clone(), KeeperSettings::new(&name));
    let keeper = tokio::spawn(keeper.run(stop.clone()));

    let backend = QueueBackend::start("mail", WorkerSettings::new(&name, 64), lanes, ledger);
    WorkerBuilder::new(name.as_str()).backend(backend).build(handle).run_until(tokio::signal::ctrl_c()).await?;
    stop.cancel();
    keeper.await?;
    Ok(())
}
