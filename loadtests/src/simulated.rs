//! The simulator, and an account there: what the provider says that it was asked to do.

use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::customer::{Account, SENDER, answer};

/// The simulator, and an account there.
pub struct Simulated {
    /// Its base URL.
    pub base: String,
    /// A client of it.
    pub http: reqwest::Client,
    /// The account.
    pub account: Account,
}

impl Simulated {
    /// Makes the account known to the simulator at `base`, without a limit on what its number sends.
    ///
    /// # Errors
    /// When the simulator refuses.
    pub async fn new(base: String, account: Account) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
        let this = Self { base, http, account };
        let settings = json!({"auth_token": this.account.token, "numbers": [SENDER]});
        let url = format!("{}/_sim/accounts/{}", this.base, this.account.sid);
        answer(this.http.request(Method::PUT, url).json(&settings)).await?;
        Ok(this)
    }

    /// Lets the account's sends take so long.
    ///
    /// # Errors
    /// When the simulator refuses.
    pub async fn slow(&self, latency: Duration) -> Result<()> {
        let url = format!("{}/_sim/faults?account={}", self.base, self.account.sid);
        let faults = json!({"latency_ms": u64::try_from(latency.as_millis())?});
        answer(self.http.request(Method::PUT, url).json(&faults)).await.map(drop)
    }

    /// What the simulator says of the account.
    ///
    /// # Errors
    /// An answer that is no success.
    pub async fn ask(&self, path: &str, query: &str) -> Result<Value> {
        let url = format!("{}/_sim/{path}?account={}{query}", self.base, self.account.sid);
        answer(self.http.request(Method::GET, url)).await
    }

    /// One of the account's counts.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn count(&self, name: &str) -> Result<u64> {
        Ok(self.ask("counts", "").await?[name].as_u64().unwrap_or(0))
    }
}
