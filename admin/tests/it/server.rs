//! The real API as a child process, on a database of its own, with two tenants.
//!
//! It is the program that the same build made: cargo builds it with the workspace's tests, and where this crate is
//! tested alone it must be there already (`cargo build -p patchbay-api`).

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl as _;
use patchbay_db::{
    TypedId as _,
    ids::{JobId, TenantId},
    testdb::TestDb,
};
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::JobRequest;
use serde_json::{Value, json};

use crate::program::Program;

/// The operator's key.
pub const SYSTEM_KEY: &str = "pb_sys_for_the_tests_of_the_admin_program";

/// The lane of the jobs made here.
pub const LANE: &str = "+12025550100";

/// A running API.
pub struct Server {
    pub url: String,
    /// A tenant and a key of it that may do everything.
    pub tenant: TenantId,
    pub key: String,
    pub db: TestDb,
    child: Child,
}

impl Server {
    /// Starts it and makes a tenant.
    pub async fn start() -> Self {
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let db = TestDb::new().await;
        let mut child = Command::new(api())
            .arg("serve")
            .env_clear()
            .env("DATABASE_URL", db.url())
            .env("REDIS_URL", std::env::var("REDIS_URL").unwrap())
            .env("PATCHBAY__REDIS__NAMESPACE", db.namespace())
            .env("PATCHBAY__SECRETS__KEY", "7a".repeat(32))
            .env("PATCHBAY__API__SYSTEM_KEY", SYSTEM_KEY)
            .env("PATCHBAY__API__LISTEN", "127.0.0.1:0")
            .env("PATCHBAY__LOG__FORMAT", "json")
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut written = Vec::new();
        let url = loop {
            let Some(Ok(line)) = lines.next() else { panic!("the API ended: {written:#?}") };
            let read: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
            if read["message"] == "serving" {
                break format!("http://{}", read["address"].as_str().unwrap());
            }
            written.push(line);
        };
        // It would stop at a full pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let mut server =
            Self { url, tenant: TenantId::from_uuid(patchbay_queue::SYSTEM_TENANT), key: String::new(), db, child };
        let made = server.post("/v1/tenants", json!({ "name": "Acme", "timezone": "Europe/Berlin" })).await;
        server.tenant = made["id"].as_str().unwrap().parse().unwrap();
        server.key = server.new_key(&["*"]).await;
        server
    }

    /// A key of the tenant with these scopes.
    pub async fn new_key(&self, scopes: &[&str]) -> String {
        let body = json!({ "name": "a test's", "mode": "test", "scopes": scopes });
        let made = self.post(&format!("/v1/tenants/{}/api_keys", self.tenant), body).await;
        made["secret"].as_str().unwrap().to_owned()
    }

    /// A POST with the operator's key.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.post_as(SYSTEM_KEY, path, body).await
    }

    async fn post_as(&self, key: &str, path: &str, body: Value) -> Value {
        let http = reqwest::Client::builder().build().unwrap();
        let call = http.post(format!("{}{path}", self.url)).bearer_auth(key).json(&body);
        let answer = call.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The program with the tenant's key.
    pub fn admin(&self, arguments: &str) -> Program {
        Program::new(arguments).env("PATCHBAY_URL", &self.url).env("PATCHBAY_KEY", &self.key)
    }

    /// The program with the operator's key.
    pub fn operator(&self, arguments: &str) -> Program {
        self.admin(arguments).env("PATCHBAY_KEY", SYSTEM_KEY)
    }

    /// A schedule of the tenant's; its id.
    pub async fn schedule(&self) -> String {
        let settings = json!({ "account_sid": format!("AC{}", "0".repeat(32)), "auth_token": "a-token" });
        let account = json!({ "kind": "twilio", "settings": settings, "senders": [{ "address": LANE }] });
        self.post_as(&self.key, "/v1/provider_accounts", account).await;
        let action = json!({ "type": "send_message", "to": "+12025550123", "body": "Good morning." });
        let schedule =
            json!({ "name": "Mornings", "cron": "0 30 9 * * *", "time_zone": "Europe/Berlin", "action": action });
        let made = self.post_as(&self.key, "/v1/schedules", schedule).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Accepts a job that nobody runs.
    pub async fn job(&self) -> JobId {
        let db = self.db.db();
        let id: JobId = db.new_id(chrono::DateTime::from_timestamp(1_795_000_000, 0).unwrap());
        let job = JobRequest::new(id.uuid(), self.tenant.uuid(), SendMessages { messages: 1 }).lane(LANE);
        let mut tx = db.begin(self.tenant).await.unwrap();
        patchbay_queue::ledger::insert(&mut tx, &[job.into()]).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A job that gave up with this error.
    pub async fn dead(&self, code: &str) -> JobId {
        let id = self.job().await;
        let attempt = format!(
            r#"[{{"at": "2026-11-21T09:30:00Z", "worker": "w1", "duration_ms": 12, "class": "permanent", "code": "{code}", "detail": "not reachable"}}]"#
        );
        let change = format!(
            "state = 'dead', finished_at = now(), errors = 1, error_class = 'permanent', \
             last_error = '{code}: not reachable', attempts = '{attempt}'"
        );
        self.set(id, &change).await;
        id
    }

    /// Changes a job's row.
    pub async fn set(&self, id: JobId, change: &str) {
        let mut tx = self.db.db().begin(self.tenant).await.unwrap();
        let sql = format!("UPDATE queue.jobs SET {change}, revision = revision + 1 WHERE id = $1");
        let changed = diesel::sql_query(sql).bind::<SqlUuid, _>(id).execute(&mut *tx).await.unwrap();
        assert_eq!(changed, 1);
        tx.commit().await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Next to this program's own: `target/debug/patchbay-api`.
fn api() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_patchbay-admin")).with_file_name("patchbay-api");
    assert!(path.exists(), "{} is not there: build it with `cargo build -p patchbay-api`", path.display());
    path
}
