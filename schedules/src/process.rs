//! The life of a scheduler process.

use std::sync::Arc;
use std::time::Duration;

use patchbay_queue::ledger::DepthGuard;
use patchbay_service::connect::Connections;
use patchbay_service::health::{Health, serve};
use patchbay_service::{Config, Entropy, Shutdown, SystemEntropy, telemetry};

use tokio::task::JoinSet;

use crate::repair::keeper;
use crate::statistics;
use crate::table::{Entry, table};
use crate::ticker::{Instants, Looks, Ticker};

/// Why a process could not start, or ended.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// From the first signal to the end, at the most: nothing here runs long.
const GRACE: Duration = Duration::from_secs(10);

/// Takes ticks and repairs until a signal ends it.
///
/// # Errors
/// A part that could not start, or that panicked.
pub async fn run(config: Config) -> Result<(), Failure> {
    let _telemetry = telemetry::init("patchbay-scheduler", &config)?;
    let shutdown = Shutdown::on_signals(GRACE)?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let connections = Connections::new(&config, "patchbay-scheduler", &*entropy)?;
    let name = format!("scheduler-{}-{}", std::process::id(), hex::encode(entropy.array::<4>()));
    let table = table(&config.scheduler);
    for Entry { declared, .. } in &table {
        tracing::info!(schedule = declared.name, cron = declared.rule.cron(), zone = %declared.rule.zone(), "schedule");
    }

    let stop = shutdown.draining_token();
    let depth = DepthGuard::new(config.queue.tenant_depth.into());
    let ticker = Ticker::new(connections.db.clone(), Instants::OfDatabase, table, depth);
    let looks = ticker.looks();
    let mut parts = JoinSet::new();
    parts.spawn(ticker.run(stop.clone()));
    parts.spawn(statistics::keep(connections.db.clone(), stop.clone()));
    parts.spawn(keeper(&connections, &name, config.worker.lease).run(stop));
    let listener = serve(config.scheduler.listen, &health(&shutdown, &connections, looks)).await?;
    tracing::info!(scheduler = name, listen = %listener.address(), "at work");

    // A part ends by itself only where it panicked.
    let ended = tokio::select! {
        () = shutdown.draining() => None,
        ended = parts.join_next() => ended,
    };
    ended.transpose()?;
    // Where the end comes first, what is open rolls back: a tick is taken with its job or not at all.
    let all = async { while parts.join_next().await.is_some() {} };
    let _done_or_cut = shutdown.finish(all).await;
    listener.stop().await?;
    tracing::info!(scheduler = name, "ended");
    Ok(())
}

fn health(shutdown: &Shutdown, connections: &Connections, looks: Looks) -> Health {
    let (db, lanes) = (connections.db.clone(), connections.lanes.clone());
    Health::builder("patchbay-scheduler", shutdown)
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
        .check("ticks", move || std::future::ready(ticks(&looks)))
        .build()
}

/// A ticker looks twice a second; after this long without a look something is wrong.
const QUIET: Duration = Duration::from_secs(10);

fn ticks(looks: &Looks) -> Result<(), String> {
    match looks.ago() {
        None => Err("not looked for yet".to_owned()),
        Some(ago) if ago > QUIET => Err(format!("not looked for in {} s", ago.as_secs())),
        Some(_) => Ok(()),
    }
}
