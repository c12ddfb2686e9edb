//! Secret payload fields: sealed wherever a job waits, open to its handler.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use patchbay_queue::ledger::view;
use patchbay_queue::seal::{Seal, SealedPlace};
use patchbay_queue::*;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::world::{QUEUE, World};

#[derive(Serialize, Deserialize)]
pub struct Letter {
    to: String,
    text: String,
}

impl Job for Letter {
    const KIND: &'static str = "tests.letter";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = QUEUE;
    const POLICY: Policy = Policy::DEFAULT;
    const SECRET_FIELDS: &'static [&'static str] = &["text"];
}

#[derive(Clone, Default)]
struct Reader(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl Handler<Letter> for Reader {
    async fn run(&self, job: Letter, _: &JobContext) -> Result<Outcome, JobError> {
        self.0.lock().unwrap().push(job.text);
        Ok(Outcome::Done(None))
    }
}

/// Enough to see what is sealed.
struct Inverted;

impl Seal for Inverted {
    fn seal(&self, _: &SealedPlace<'_>, plain: &[u8]) -> Vec<u8> {
        plain.iter().map(|byte| !byte).collect()
    }

    fn open(&self, at: &SealedPlace<'_>, sealed: &[u8]) -> Result<Vec<u8>, String> {
        Ok(self.seal(at, sealed))
    }
}

fn letter() -> NewJob {
    let letter = Letter { to: "+15550100".into(), text: "nobody's business".into() };
    JobRequest::new(Uuid::now_v7(), Uuid::now_v7(), letter).into()
}

#[tokio::test]
async fn the_ledger_refuses_a_secret_that_nobody_sealed() {
    let world = World::new().await;
    let mut conn = world.ledger.get().await.unwrap();
    let refused = ledger::insert(&mut conn, &[letter()]).await.unwrap_err();
    assert!(refused.to_string().contains("no key to seal"), "{refused}");
    assert_eq!(world.count("waiting").await, 0);
}

#[tokio::test]
async fn a_secret_is_readable_to_its_handler_and_nowhere_else() {
    let world = World::new().await;
    let mut job = letter();
    job.seal(&Inverted).unwrap();
    world.enqueue(std::slice::from_ref(&job)).await;

    let stored = view::payload(&mut world.ledger.get().await.unwrap(), job.tenant_id, job.id).await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&stored).contains("+15550100"), "what is no secret can be read");
    let in_redis = Envelope::from(&job).pack();
    for held in [&stored, &in_redis] {
        assert!(!String::from_utf8_lossy(held).contains("business"));
    }

    let reader = Reader::default();
    let registry = Registry::default().with::<Letter, _>(reader.clone()).opening(Arc::new(Inverted));
    let worker = world.work(registry, 2);
    world.until(job.id, &["succeeded"]).await;
    worker.stop().await;
    assert_eq!(*reader.0.lock().unwrap(), ["nobody's business"]);
}

#[tokio::test]
async fn a_worker_without_the_key_makes_a_dead_letter_that_says_so() {
    let world = World::new().await;
    let mut job = letter();
    job.seal(&Inverted).unwrap();
    world.enqueue(std::slice::from_ref(&job)).await;
    let worker = world.work(Registry::default().with::<Letter, _>(Reader::default()), 2);
    let dead = world.until(job.id, &["dead"]).await;
    worker.stop().await;
    assert!(dead.last_error.unwrap().starts_with("payload_sealed"));
}
