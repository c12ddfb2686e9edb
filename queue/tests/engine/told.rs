//! Ways to speak to the ledger without a worker or a keeper: each step of theirs by itself, so that a test may stop
//! between two.

use diesel_async::{RunQueryDsl as _, SimpleAsyncConnection as _};
use patchbay_queue::ledger::attempt::Attempt;
use patchbay_queue::ledger::settle::{End, Settled, Settlement, settle};
use patchbay_queue::ledger::{self, Enqueued, JobRow, dependencies, groups};
use patchbay_queue::{JobRequest, NewJob};
use uuid::Uuid;

use crate::world::{Act, Work, World};

/// An attempt as a handler's error leaves it.
pub fn attempt(class: &'static str) -> Attempt {
    let (worker, code, detail) = ("w".to_owned(), "failed".to_owned(), "as told".to_owned());
    Attempt { at: chrono::Utc::now(), worker, duration_ms: 1, class, code, detail, times: 1 }
}

pub fn dead() -> End {
    End::Dead { errors: 1, crashes: 0, attempt: attempt("permanent") }
}

pub fn request(tenant: Uuid) -> JobRequest<Work> {
    JobRequest::new(Uuid::now_v7(), tenant, Work { act: Act::Succeed })
}

impl World {
    /// Enqueues one job, in the ledger only.
    pub async fn tell(&self, job: impl Into<NewJob>) -> (NewJob, ledger::Inserted) {
        let job = job.into();
        let outcome = self.tell_all(std::slice::from_ref(&job)).await.outcomes.remove(0);
        (job, outcome)
    }

    pub async fn tell_all(&self, jobs: &[NewJob]) -> Enqueued {
        let mut conn = self.ledger.get().await.unwrap();
        ledger::enqueue(&mut conn, jobs).await.unwrap()
    }

    /// Ends a run of a job's first payload under `token`, as its worker would.
    pub async fn end(&self, job: &NewJob, token: i64, end: End) -> Settled {
        let mut conn = self.ledger.get().await.unwrap();
        settle(&mut conn, "told", &[settlement(job, token, end)]).await.unwrap()
    }

    /// What the keeper does about ends, by itself.
    pub async fn follow(&self) -> Vec<JobRow> {
        let mut conn = self.ledger.get().await.unwrap();
        while groups::fold(&mut conn, 1_000).await.unwrap() > 0 {}
        let mut free = Vec::new();
        while dependencies::any_ended(&mut conn).await.unwrap() {
            free.extend(dependencies::pass_on(&mut conn, 100).await.unwrap());
        }
        free
    }

    pub async fn state(&self, id: Uuid) -> String {
        self.view(id).await.state
    }

    pub async fn sql(&self, text: &str) {
        let mut conn = self.ledger.get().await.unwrap();
        conn.batch_execute(text).await.unwrap();
    }

    pub async fn rows_of(&self, table: &str) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::Int8)]
            count: i64,
        }
        let mut conn = self.ledger.get().await.unwrap();
        let sql = format!("SELECT count(*) AS count FROM {table}");
        diesel::sql_query(sql).get_result::<Count>(&mut conn).await.unwrap().count
    }
}

pub fn settlement(job: &NewJob, token: i64, end: End) -> Settlement {
    Settlement {
        tenant: job.tenant_id,
        id: job.id,
        token,
        started_at: chrono::Utc::now(),
        end,
        progress: None,
        generation: 0,
    }
}
