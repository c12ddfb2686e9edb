//! The three lists agree: the catalogue, the handlers, the queues of the configuration.

use std::collections::BTreeSet;
use std::sync::Arc;

use patchbay_db::testdb::TestDb;
use patchbay_jobs::registry::KINDS;
use patchbay_providers::Registry as Providers;
use patchbay_service::{Config, Process, Sources, SystemClock, SystemEntropy};
use patchbay_workers::handlers::{Parts, registry};

fn config() -> Config {
    let sources = Sources::default()
        .with_env("DATABASE_URL", "postgres://h/d")
        .with_env("REDIS_URL", "redis://h")
        .with_env("PATCHBAY__SECRETS__KEY", &"5a".repeat(32));
    Config::from_sources(Process::Worker, &sources).unwrap()
}

#[tokio::test]
async fn every_kind_has_a_handler_and_every_handler_a_kind() {
    let db = TestDb::new().await;
    let config = config();
    let registry = registry(&Parts {
        db: db.db().clone(),
        clock: Arc::new(SystemClock),
        sealer: Arc::new(config.secrets.sealer(Arc::new(SystemEntropy)).unwrap()),
        providers: Providers::new(),
        config,
    });
    let handled: BTreeSet<&str> = registry.kinds().collect();
    let kinds: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(handled, kinds);
}

#[test]
fn every_queue_has_slots_by_default_and_there_is_no_other() {
    let config = config();
    let slots: BTreeSet<&str> = config.worker.queues.iter().filter(|(_, n)| **n > 0).map(|(name, _)| *name).collect();
    let queues: BTreeSet<&str> = KINDS.iter().map(|kind| kind.queue).collect();
    assert_eq!(slots, queues);
}
