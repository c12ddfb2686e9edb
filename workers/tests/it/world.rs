//! An empty database and an empty namespace, jobs in them, and workers on them.

use std::time::Duration;

use chrono::Utc;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use patchbay_db::SystemTx;
use patchbay_db::TypedId as _;
use patchbay_db::ids::JobId;
use patchbay_db::testdb::TestDb;
use patchbay_jobs::maintenance::{MakePartitions, Retain};
use patchbay_queue::{Job, JobRequest, NewJob, SYSTEM_TENANT};
use tokio::process::Command;
use uuid::Uuid;

use crate::program::command;

pub struct World {
    pub db: TestDb,
}

/// How a job stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Standing {
    #[diesel(sql_type = Text)]
    pub state: String,
    #[diesel(sql_type = diesel::sql_types::Int2)]
    pub errors: i16,
    #[diesel(sql_type = diesel::sql_types::Int2)]
    pub crashes: i16,
    #[diesel(sql_type = diesel::sql_types::Int4)]
    pub interruptions: i32,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl World {
    pub async fn new() -> Self {
        Self { db: TestDb::new().await }
    }

    /// The program on this world, its leases short; more settings may be added.
    pub fn worker(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command
            .env("DATABASE_URL", self.db.url())
            .env("REDIS_URL", std::env::var("REDIS_URL").unwrap())
            .env("PATCHBAY__REDIS__NAMESPACE", self.db.namespace())
            .env("PATCHBAY__SECRETS__KEY", "5a".repeat(32))
            .env("PATCHBAY__WORKER__LISTEN", "127.0.0.1:0")
            .env("PATCHBAY__WORKER__LEASE", "2s")
            .env("PATCHBAY__LOG__FORMAT", "json");
        command
    }

    pub async fn system(&self) -> SystemTx {
        self.db.db().system("a test").await.unwrap()
    }

    pub async fn execute(&self, sql: &str) {
        let mut tx = self.system().await;
        diesel::sql_query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn count(&self, sql: &str) -> i64 {
        let mut tx = self.system().await;
        let row: Count = diesel::sql_query(sql).get_result(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        row.count
    }

    pub fn job<J: Job>(&self, job: J) -> NewJob {
        let id: JobId = self.db.db().new_id(Utc::now());
        JobRequest::new(id.uuid(), SYSTEM_TENANT, job).into()
    }

    pub async fn enqueue(&self, jobs: Vec<NewJob>) {
        let mut tx = self.system().await;
        tx.enqueue_all(jobs).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Many short jobs of many tenants.
    pub async fn enqueue_many(&self, jobs: usize) {
        let tenants: Vec<Uuid> = (0..10).map(|_| Uuid::now_v7()).collect();
        let job = |n: usize| NewJob {
            tenant_id: tenants[n % tenants.len()],
            unique_key: None,
            ..self.job(MakePartitions {})
        };
        self.enqueue((0..jobs).map(job).collect()).await;
    }

    /// A job that runs until the lock that comes with it is let go (rolled back or dropped).
    pub async fn enqueue_held(&self) -> (Uuid, SystemTx) {
        let mut lock = self.system().await;
        // Retention deletes from this table: its statement waits.
        diesel::sql_query("LOCK TABLE idempotency_keys IN SHARE MODE").execute(&mut *lock).await.unwrap();
        let job = self.job(Retain {});
        let id = job.id;
        self.enqueue(vec![job]).await;
        (id, lock)
    }

    pub async fn standing(&self, id: Uuid) -> Standing {
        let mut tx = self.system().await;
        let found = diesel::sql_query("SELECT state, errors, crashes, interruptions FROM queue.jobs WHERE id = $1")
            .bind::<SqlUuid, _>(id)
            .get_result(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        found
    }

    /// Waits until `sql` counts `wanted`.
    pub async fn until(&self, sql: &str, wanted: i64) {
        let mut last = 0;
        for _ in 0..1200 {
            last = self.count(sql).await;
            if last == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{sql} counts {last}, not {wanted}");
    }

    /// Waits until the job of [`enqueue_held`](Self::enqueue_held) runs into its lock. (Claimed is not begun: a job
    /// that was not begun is given back untouched.)
    pub async fn until_held(&self) {
        // Of this database: all clones of the template give the table the same number.
        let waits = "SELECT count(*) AS count FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                     WHERE d.datname = current_database() AND l.relation = 'idempotency_keys'::regclass AND NOT l.granted";
        self.until(waits, 1).await;
    }
}
