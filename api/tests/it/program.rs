//! The real API as a child process on a database of its own: its log is read as it is written, and it is killed with
//! the test.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use patchbay_db::testdb::TestDb;
use patchbay_service::http::install_tls;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::harness::SYSTEM_KEY;

/// The key that seals what is stored.
pub const SEALING_KEY: &str = "7a7b7c7d7e7f707172737475767778797a7b7c7d7e7f70717273747576777879";

/// A running API.
pub struct Program {
    pub db: TestDb,
    /// Base address.
    pub url: String,
    /// A key of a tenant that may do everything.
    pub key: String,
    child: Child,
    log: Arc<Mutex<String>>,
    http: Client,
}

/// The program, not started, in an empty environment.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay-api"));
    command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

impl Program {
    /// Starts it with these settings beside the usual ones, and makes a tenant.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        install_tls();
        let db = TestDb::new().await;
        let mut command = command(&["serve"]);
        command
            .env("DATABASE_URL", db.url())
            .env("REDIS_URL", std::env::var("REDIS_URL").unwrap())
            .env("PATCHBAY__REDIS__NAMESPACE", db.namespace())
            .env("PATCHBAY__SECRETS__KEY", SEALING_KEY)
            .env("PATCHBAY__API__SYSTEM_KEY", SYSTEM_KEY)
            .env("PATCHBAY__API__LISTEN", "127.0.0.1:0")
            .env("PATCHBAY__LOG__FORMAT", "json")
            .envs(settings.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::<Mutex<String>>::default();
        let written = Arc::clone(&log);
        let serving = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                keep(&written, &line);
                let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
                if line["message"] == "serving" {
                    return format!("http://{}", line["address"].as_str().unwrap());
                }
            }
            panic!("it ended: {}", written.lock().unwrap());
        };
        let url = tokio::time::timeout(Duration::from_secs(20), serving).await.unwrap();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                keep(&written, &line);
            }
        });
        let http = Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        let mut program = Self { db, url, key: String::new(), child, log, http };
        let tenant = json!({ "name": "Acme", "timezone": "Europe/Berlin", "default_country": "DE" });
        program.key = SYSTEM_KEY.to_owned();
        let made = program.call(program.post("/v1/tenants").json(&tenant)).await;
        let key = json!({ "name": "a test's", "mode": "test", "scopes": ["*"] });
        let path = format!("/v1/tenants/{}/api_keys", made["id"].as_str().unwrap());
        program.key = program.call(program.post(&path).json(&key)).await["secret"].as_str().unwrap().to_owned();
        program
    }

    /// A POST with the tenant's key.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    /// A GET with the tenant's key.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    /// Makes the call, which must succeed.
    pub async fn call(&self, request: RequestBuilder) -> Value {
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Makes an account at Twilio with one sender.
    pub async fn account(&self) -> Value {
        let body = crate::provider_accounts::body(&json!([{ "address": crate::provider_accounts::SENDER }]));
        self.call(self.post("/v1/provider_accounts").json(&body)).await
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end; its exit code, or none where a signal ended it.
    pub async fn ended(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        ended.expect("the program ends").unwrap().code()
    }
}

fn keep(log: &Mutex<String>, line: &str) {
    let mut log = log.lock().unwrap();
    log.push_str(line);
    log.push('\n');
}
