//! A small client of the public API, as a stranger would write it from the document.
//!
//! It knows nothing of our crates on purpose: what the demo cannot say through this, a customer
//! cannot either. An answer outside 2xx is an error that carries the problem's own words.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::random;

/// An HTTP client with limits on how long things take.
pub fn http() -> Result<Client> {
    // A second call finds it installed, which is just as well.
    rustls::crypto::ring::default_provider().install_default().ok();
    Ok(Client::builder().connect_timeout(Duration::from_secs(5)).timeout(Duration::from_secs(60)).build()?)
}

/// The API at one address, with one key.
#[derive(Clone)]
pub struct Api {
    http: Client,
    base: String,
    key: String,
}

impl Api {
    /// An API at `base` (no path), called with `key`.
    pub fn new(http: Client, base: &str, key: &str) -> Self {
        Self { http, base: base.to_owned(), key: key.to_owned() }
    }

    /// The same API with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    /// The key that it is called with.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A request that carries the key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key)
    }

    /// GET, as JSON.
    pub async fn get(&self, path: &str) -> Result<Value> {
        json(|| self.request(Method::GET, path)).await
    }

    /// POST of a JSON body, as JSON. It has an idempotency key of its own, so that repeating it is safe.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let key = random::hex(16)?;
        json(|| self.request(Method::POST, path).header("Idempotency-Key", &key).json(body)).await
    }

    /// A new tenant, and a test key for it: the whole of signing up.
    pub async fn sign_up(&self, name: &str) -> Result<(String, Self)> {
        let tenant = self
            .post(
                "/v1/tenants",
                &serde_json::json!({
                    "name": name, "default_country": "US", "timezone": "America/Chicago",
                }),
            )
            .await?;
        let tenant = text(&tenant, "id")?;
        let key = serde_json::json!({"name": name, "mode": "test", "scopes": ["*"]});
        let key = self.post(&format!("/v1/tenants/{tenant}/api_keys"), &key).await?;
        Ok((tenant, self.with_key(&text(&key, "secret")?)))
    }
}

/// How long a server that does not answer, or says that it cannot now, is asked again.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a request and reads a JSON answer; asks again, made anew, while the server is away.
pub async fn json(request: impl Fn() -> RequestBuilder) -> Result<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        let (client, request) = request().build_split();
        let request = request?;
        let what = format!("{} {}", request.method(), request.url().path());
        let answered = async {
            let answer = client.execute(request).await?;
            Ok((answer.status(), answer.text().await?))
        };
        let answered: reqwest::Result<_> = answered.await;
        let away = match &answered {
            Ok((status, _)) => *status == StatusCode::SERVICE_UNAVAILABLE || *status == StatusCode::CONFLICT,
            Err(_) => true,
        };
        if away && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(250)).await;
            continue;
        }
        let (status, body) = answered.with_context(|| format!("{what} was not answered"))?;
        return read(&what, status, &body);
    }
}

fn read(what: &str, status: StatusCode, body: &str) -> Result<Value> {
    if !status.is_success() {
        bail!("{what} was answered with {status}: {body}");
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(body).with_context(|| format!("{what} answered no JSON: {body}"))
}

/// A field of an answer that must be a string.
pub fn text(value: &Value, field: &str) -> Result<String> {
    let found = value[field].as_str().with_context(|| format!("no `{field}` in {value}"))?;
    Ok(found.to_owned())
}
