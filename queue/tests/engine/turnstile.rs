//! Lets those who work on jobs in the ledger do one statement at a time, so that a test can do something between two.
//!
//! Who wants a table's lock stands behind those that came before: the next lock is asked for before the last is let go, so
//! between the two there is what waited already, and nothing after it.

use std::time::{Duration, Instant};

use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use tokio::task::JoinHandle;

use crate::world::World;

const LOCK: &str = "BEGIN; LOCK TABLE queue.jobs";

/// Shut until it is dropped or opened.
pub struct Turnstile {
    world: World,
    /// What it does while it is shut is done for all to see at the next turn.
    pub inside: Object<AsyncPgConnection>,
    /// Stands in line for the next turn: whoever comes after it is not let through by this one.
    next: JoinHandle<Object<AsyncPgConnection>>,
}

impl Turnstile {
    /// Shut: whoever is at work on a job has ended that statement.
    pub async fn shut(world: &World) -> Self {
        let world = world.again();
        let mut inside = world.ledger.get().await.unwrap();
        inside.batch_execute(LOCK).await.unwrap();
        let next = stand_in_line(&world).await;
        Self { world, inside, next }
    }

    /// Lets all pass until somebody waits with a statement in which `text` is.
    pub async fn until(&mut self, text: &str) {
        let begun = Instant::now();
        while waiting(&self.world, text).await == 0 {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody comes with {text}");
            self.turn().await;
        }
    }

    /// Lets those pass who wait now, with one statement each.
    pub async fn turn(&mut self) {
        self.inside.batch_execute("COMMIT").await.unwrap();
        self.inside = (&mut self.next).await.unwrap();
        self.next = stand_in_line(&self.world).await;
    }

    /// Everybody goes on.
    pub async fn open(mut self) {
        self.inside.batch_execute("COMMIT").await.unwrap();
        self.next.await.unwrap().batch_execute("COMMIT").await.unwrap();
    }
}

async fn stand_in_line(world: &World) -> JoinHandle<Object<AsyncPgConnection>> {
    let mut next = world.ledger.get().await.unwrap();
    let asked = tokio::spawn(async move {
        next.batch_execute(LOCK).await.unwrap();
        next
    });
    while waiting(world, "LOCK TABLE").await == 0 {
        assert!(!asked.is_finished(), "it stands in line behind another");
    }
    asked
}

async fn waiting(world: &World, text: &str) -> i64 {
    tokio::time::sleep(Duration::from_millis(2)).await;
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    world.number(&format!("{sql} AND query LIKE '%{text}%'")).await
}
