//! Lets those who work on jobs in the ledger do one statement at a time, so that a test can do something between two.
//!
//! Who wants a table's lock stands behind those that came before: the next lock is asked for before the last is let go, so
//! between the two there is what waited already, and nothing after it.

use std::time::{Duration, Instant};

use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};

use crate::world::World;

const LOCK: &str = "BEGIN; LOCK TABLE queue.jobs";

/// Shut until it is dropped or opened.
pub struct Turnstile {
    world: World,
    /// What it does while it is shut is done for all to see at the next turn.
    pub inside: Object<AsyncPgConnection>,
}

impl Turnstile {
    /// Shut: whoever is at work on a job has ended that statement.
    pub async fn shut(world: &World) -> Self {
        let world = world.again();
        let mut inside = world.ledger.get().await.unwrap();
        inside.batch_execute(LOCK).await.unwrap();
        Self { world, inside }
    }

    /// Lets all pass until somebody waits with a statement in which `text` is.
    pub async fn until(&mut self, text: &str) {
        let begun = Instant::now();
        while self.waiting(&format!("query LIKE '%{text}%'")).await == 0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody comes with {text}");
            if self.waiting("true").await > 0 {
                self.turn().await;
            }
        }
    }

    /// Lets those pass who wait now, with one statement each.
    pub async fn turn(&mut self) {
        let mut next = self.world.ledger.get().await.unwrap();
        let asked = tokio::spawn(async move {
            next.batch_execute(LOCK).await.unwrap();
            next
        });
        while self.waiting("query LIKE '%LOCK TABLE%'").await == 0 {}
        self.inside.batch_execute("COMMIT").await.unwrap();
        self.inside = asked.await.unwrap();
    }

    /// Everybody goes on.
    pub async fn open(mut self) {
        self.inside.batch_execute("COMMIT").await.unwrap();
    }

    async fn waiting(&self, what: &str) -> i64 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        self.world.number(&format!("{sql} AND {what}")).await
    }
}
