//! Jobs in every state, put straight into the ledger: what runs them is not part of these tests.

use std::{collections::BTreeMap, time::Duration};

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use patchbay_db::{
    TypedId,
    ids::{JobId, MessageId, ProviderAccountId, TenantId},
};
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::{
    Envelope, JobRequest, NewJob, QueueBackend, WorkerSettings,
    lanes::{ServedQueue, WorkerJob, WorkerView},
};

use crate::harness::TestApi;

/// The queue of the jobs made here.
pub const QUEUE: &str = "sends";
/// Their lane.
pub const LANE: &str = "pac_01h455vb4pex5vsknk084sn02q~+12025550100";
/// The prefix of all lanes of the same account.
pub const ACCOUNT: &str = "pac_01h455vb4pex5vsknk084sn02q";

impl TestApi {
    /// Accepts a job of `tenant` that sends messages, and waits until it is in its lane.
    pub async fn accept(&self, tenant: TenantId) -> JobId {
        let (id, job) = self.send_job(tenant);
        let mut tx = self.app.db.begin(tenant).await.unwrap();
        tx.enqueue(job).await.unwrap();
        tx.commit().await.unwrap();
        self.until_pushed(id).await;
        id
    }

    /// Accepts a job and loses it on the way to its lane.
    pub async fn accept_unpushed(&self, tenant: TenantId) -> JobId {
        let (id, job) = self.send_job(tenant);
        let mut tx = self.app.db.begin(tenant).await.unwrap();
        patchbay_queue::ledger::insert(&mut tx, &[job]).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Accepts a job as `change` makes it.
    pub async fn accept_as(
        &self,
        tenant: TenantId,
        change: impl FnOnce(JobRequest<SendMessages>) -> JobRequest<SendMessages>,
    ) -> JobId {
        let id: JobId = self.app.db.new_id(self.app.clock.now());
        let request = JobRequest::new(id.uuid(), tenant.uuid(), SendMessages { messages: 1 }).lane(LANE);
        let mut tx = self.app.db.begin(tenant).await.unwrap();
        tx.enqueue(change(request)).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Opens the queue, as dispatcher repair does, and says that a worker serves it which knows these kinds.
    pub async fn serve(&self, kinds: &[&str]) {
        self.serve_running(kinds, &[]).await;
    }

    /// The same, and that it runs these jobs.
    pub async fn serve_running(&self, kinds: &[&str], jobs: &[(TenantId, JobId)]) {
        let lanes = self.app.db.dispatcher().lanes();
        lanes.open(QUEUE, false).await.unwrap();
        let now = self.app.clock.now();
        let served = ServedQueue {
            queue: QUEUE.to_owned(),
            concurrency: 8,
            running: jobs.len(),
            tenants: jobs.iter().fold(BTreeMap::new(), |mut tenants, (tenant, _)| {
                *tenants.entry(tenant.uuid()).or_insert(0) += 1;
                tenants
            }),
            kinds: kinds.iter().map(|kind| ((*kind).to_owned(), 1)).collect(),
            jobs: jobs
                .iter()
                .map(|(tenant, id)| WorkerJob {
                    id: id.uuid(),
                    kind: kinds[0].to_owned(),
                    tenant: tenant.uuid(),
                    lane: LANE.to_owned(),
                    since: now,
                })
                .collect(),
        };
        let worker = WorkerView {
            id: "here-1-3fa9c2".to_owned(),
            host: "here".to_owned(),
            pid: 1,
            version: "0".to_owned(),
            started_at: now,
            seen_at: now,
            draining: false,
            queues: vec![served],
        };
        lanes.beat(&worker).await.unwrap();
    }

    fn send_job(&self, tenant: TenantId) -> (JobId, NewJob) {
        let id: JobId = self.app.db.new_id(self.app.clock.now());
        (
            id,
            JobRequest::new(id.uuid(), tenant.uuid(), SendMessages { messages: 1 })
                .lane(LANE)
                .subject(id.to_string())
                .into(),
        )
    }

    /// Waits until Redis has the job.
    pub async fn until_pushed(&self, id: JobId) {
        for _ in 0..500 {
            let lanes = self.app.db.dispatcher().lanes();
            if lanes.present(QUEUE, &[id.uuid()]).await.unwrap() == [true] {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{id} was not pushed");
    }

    /// Takes up to `want` jobs as a worker would.
    pub async fn claim(&self, want: usize) -> Vec<Envelope> {
        let lanes = self.app.db.dispatcher().lanes();
        lanes.open(QUEUE, false).await.unwrap();
        lanes.claim(QUEUE, want, Duration::from_secs(60), "a test's worker").await.unwrap().jobs
    }

    /// A real worker of the queue, without anything that runs jobs: it puts aside what cannot run.
    pub fn worker(&self) -> QueueBackend {
        let pools = patchbay_db::Pools::new(self.db.config()).unwrap();
        let lanes = self.app.db.dispatcher().lanes().clone();
        QueueBackend::start(QUEUE, WorkerSettings::new("a worker", 2), lanes, pools.system().clone())
    }

    /// Changes a job's row.
    pub async fn set(&self, tenant: TenantId, id: JobId, change: &str) {
        let mut tx = self.app.db.begin(tenant).await.unwrap();
        let changed =
            diesel::sql_query(format!("UPDATE queue.jobs SET {change}, revision = revision + 1 WHERE id = $1"))
                .bind::<SqlUuid, _>(id)
                .execute(&mut *tx)
                .await
                .unwrap();
        assert_eq!(changed, 1);
        tx.commit().await.unwrap();
    }

    /// A dead letter of `tenant`, with one attempt.
    pub async fn dead(&self, tenant: TenantId, code: &str) -> JobId {
        let id = self.accept_unpushed(tenant).await;
        let attempt = format!(
            r#"[{{"at": "2026-11-21T09:30:00Z", "worker": "box-1:4711", "duration_ms": 12, "class": "permanent", "code": "{code}", "detail": "inner words"}}]"#
        );
        let change = format!(
            "state = 'dead', finished_at = now(), errors = 1, error_class = 'permanent', \
             last_error = '{code}: inner words', attempts = '{attempt}'"
        );
        self.set(tenant, id, &change).await;
        id
    }

    /// A failed message of `job`.
    pub async fn failed_message(&self, tenant: TenantId, job: JobId) -> MessageId {
        let now = self.app.clock.now();
        let (account, message): (ProviderAccountId, MessageId) = (self.app.db.new_id(now), self.app.db.new_id(now));
        let mut tx = self.app.db.begin(tenant).await.unwrap();
        diesel::sql_query(
            "INSERT INTO provider_accounts (tenant_id, id, kind, name, external_id, credentials)
             VALUES ($1, $2, 'twilio', 'main', 'AC1', '')",
        )
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(account)
        .execute(&mut *tx)
        .await
        .unwrap();
        diesel::sql_query(
            "INSERT INTO messages (tenant_id, id, direction, channel, provider_account_id, from_address, to_address, body,
                segments, state, error_code, job_id)
             VALUES ($1, $2, 'outbound', 'sms', $3, '+12025550100', '+12025550143', 'x', 1, 'failed', 'twilio_30003', $4)",
        )
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(message)
        .bind::<SqlUuid, _>(account)
        .bind::<SqlUuid, _>(job)
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        message
    }

    /// The state of a message.
    pub async fn message_state(&self, tenant: TenantId, id: MessageId) -> String {
        self.word(tenant, "SELECT state AS word FROM messages WHERE id = $1", id.uuid()).await.remove(0)
    }

    /// What the audit log says was done, in order, with its subjects.
    pub async fn audited(&self, tenant: TenantId) -> Vec<String> {
        let sql = "SELECT action || ' ' || subject AS word FROM audit_log WHERE tenant_id = $1 ORDER BY id";
        self.word(tenant, sql, tenant.uuid()).await
    }

    async fn word(&self, tenant: TenantId, sql: &str, id: uuid::Uuid) -> Vec<String> {
        #[derive(diesel::QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            word: String,
        }
        let mut tx = self.app.db.begin(tenant).await.unwrap();
        let rows: Vec<Row> = diesel::sql_query(sql).bind::<SqlUuid, _>(id).load(&mut *tx).await.unwrap();
        rows.into_iter().map(|row| row.word).collect()
    }
}
