//! A customer of the API: a new tenant with a key, set up through public calls as anybody would.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::stack::{Stack, hex};

/// The number that a customer sends from.
pub const SENDER: &str = "+14155550100";

/// A tenant with a key.
#[derive(Clone)]
pub struct Customer {
    /// Its key.
    pub key: String,
    /// Where the API listens.
    pub api: SocketAddr,
    http: Client,
}

/// An account at the simulator, as the customer entered it.
pub struct Account {
    /// `AC…`.
    pub sid: String,
    /// Its secret.
    pub token: String,
}

impl Customer {
    /// Who runs all of it, with the system key.
    ///
    /// # Errors
    /// None in practice: a client needs nothing.
    pub fn operator(stack: &Stack) -> Result<Self> {
        let http = Client::builder().timeout(Duration::from_secs(600)).build()?;
        Ok(Self { key: stack.system_key.clone(), api: stack.api(), http })
    }

    /// A new tenant.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn sign_up(stack: &Stack) -> Result<Self> {
        let system = Self::operator(stack)?;
        let tenant = json!({"name": "Bench", "default_country": "US", "timezone": "America/Chicago"});
        let tenant = text(&system.post("/v1/tenants", &tenant).await?, "id")?;
        let key = json!({"name": "bench", "mode": "test", "scopes": ["*"]});
        let key = system.post(&format!("/v1/tenants/{tenant}/api_keys"), &key).await?;
        Ok(Self { key: text(&key, "secret")?, ..system })
    }

    /// Adds a Twilio account whose other end is the simulator; its one sender is never throttled.
    ///
    /// # Errors
    /// When the API or the simulator refuses.
    pub async fn add_account(&self) -> Result<Account> {
        let account = Account { sid: format!("AC{}", hex::<16>()), token: hex::<16>() };
        let settings = json!({"account_sid": account.sid, "auth_token": account.token});
        let sender = json!({"address": SENDER, "is_default": true, "rate_per_second": 10_000.0});
        let wanted = json!({"kind": "twilio", "name": "Bench", "settings": settings, "senders": [sender]});
        self.post("/v1/provider_accounts", &wanted).await.context("cannot add the provider account")?;
        Ok(account)
    }

    /// A request with the key.
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.api)).bearer_auth(&self.key)
    }

    /// GET, as JSON.
    ///
    /// # Errors
    /// An answer that is no success.
    pub async fn get(&self, path: &str) -> Result<Value> {
        answer(self.request(reqwest::Method::GET, path)).await
    }

    /// POST, as JSON.
    ///
    /// # Errors
    /// An answer that is no success.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        answer(self.request(reqwest::Method::POST, path).json(body)).await
    }

    /// Waits until a job has ended, and returns it.
    ///
    /// # Errors
    /// When it did not succeed, or not within `patience`.
    pub async fn job(&self, id: &str, patience: Duration) -> Result<Value> {
        let until = Instant::now() + patience;
        loop {
            let job = self.get(&format!("/v1/jobs/{id}")).await?;
            match job["status"].as_str() {
                Some("succeeded") => return Ok(job),
                Some("failed" | "cancelled") => bail!("the job did not succeed: {job}"),
                _ => ensure!(Instant::now() < until, "the job did not end within {patience:?}: {job}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Sends a request and reads a JSON answer.
///
/// # Errors
/// An answer that is no success; its text is in the error.
pub async fn answer(request: RequestBuilder) -> Result<Value> {
    let answer = request.send().await?;
    let (status, url) = (answer.status(), answer.url().path().to_owned());
    let body = answer.text().await?;
    ensure!(status.is_success(), "{url} was answered with {status}: {body}");
    if body.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&body)?) }
}

/// A field that must be a string.
///
/// # Errors
/// When it is none.
pub fn text(value: &Value, field: &str) -> Result<String> {
    value[field].as_str().map(str::to_owned).with_context(|| format!("no `{field}` in {value}"))
}
