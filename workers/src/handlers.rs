//! Every handler, by the job it runs.
//!
//! One list beside the catalogue's (`patchbay_jobs::registry::KINDS`); a test holds the two together, because a kind
//! without a handler waits in its queue for ever.

use std::sync::Arc;

use patchbay_db::Db;
use patchbay_domain::payload_seal::PayloadSeal;
use patchbay_providers::Registry as Providers;
use patchbay_queue::Registry;
use patchbay_queue::ledger::DepthGuard;
use patchbay_service::telemetry::span_with_parent;
use patchbay_service::{Clock, Config, Sealer};

use crate::imports::leads::LeadImporter;
use crate::jobs::{Discarder, Redriver};
use crate::maintenance::{ImportSweeper, PartitionMaker, ReconcileStarter, Retention};
use crate::messages::{Messaging, Settings};
use crate::schedules::ScheduleRunner;

/// What handlers are made of.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The way to the records.
    pub db: Db,
    /// The time: the one that the queues of the process go by.
    pub clock: Arc<dyn Clock>,
    /// Opens stored credentials.
    pub sealer: Arc<Sealer>,
    /// The providers.
    pub providers: Providers,
    /// The settings.
    pub config: Config,
}

/// The registry of a worker.
#[must_use]
pub fn registry(parts: &Parts) -> Registry {
    let (db, clock) = (&parts.db, &parts.clock);
    // Adding a job is a line here.
    messaging(parts)
        .register(Registry::default())
        .with(LeadImporter::new(db.clone(), clock.clone()))
        .with(Redriver::new(db.clone(), clock.clone()))
        .with(Discarder::new(db.clone(), clock.clone()))
        .with(ImportSweeper::new(db.clone(), clock.clone(), parts.config.retention.import_files))
        .with(PartitionMaker::new(db.clone(), clock.clone()))
        .with(ReconcileStarter::new(db.clone(), clock.clone()))
        .with(ScheduleRunner::new(db.clone(), clock.clone(), DepthGuard::new(parts.config.queue.tenant_depth.into())))
        .with(Retention::new(db.clone(), clock.clone(), parts.config.retention.clone()))
        .opening(Arc::new(PayloadSeal::new((*parts.sealer).clone())))
        .adopting(span_with_parent)
}

fn messaging(parts: &Parts) -> Messaging {
    let slices = parts.config.worker.slices;
    let settings = Settings {
        send_slice: slices.sends,
        reconcile_slice: slices.reconcile,
        check_after: parts.config.worker.reconcile_after,
        ..Settings::new(parts.config.api.public_url.clone())
    };
    let (db, clock) = (parts.db.clone(), parts.clock.clone());
    Messaging::new(db, clock, parts.sealer.clone(), parts.providers.clone(), settings)
}
