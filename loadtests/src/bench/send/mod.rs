//! Messages from acceptance to the applied receipt, against the simulator.

mod bare;
mod latency;
mod rate;
mod sink;

use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use super::Scale;
use crate::customer::{Account, Customer, SENDER, answer};
use crate::report::Report;
use crate::stack::{Parts, Stack};

/// Measures sending.
///
/// # Errors
/// When the programs do not start, or a message is not delivered.
pub async fn run(scale: Scale) -> Result<Report> {
    let mut report = Report::new("send");
    let stack = Stack::start(Parts::All).await?;
    let measured = measure(&stack, scale, &mut report).await;
    stack.end().await?;
    measured?;
    Ok(report)
}

async fn measure(stack: &Stack, scale: Scale, report: &mut Report) -> Result<()> {
    let customer = Customer::sign_up(stack).await?;
    let account = customer.add_account().await?;
    let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).build()?;
    let world = Simulated { base: stack.simulator(), http, account };
    world.register().await?;
    latency::measure(&customer, &world, scale, report).await?;
    rate::measure(stack, &customer, &world, scale, report).await
}

/// The simulator, and an account there.
struct Simulated {
    base: String,
    http: reqwest::Client,
    account: Account,
}

impl Simulated {
    /// Makes the account known, without a limit on what its number sends.
    async fn register(&self) -> Result<()> {
        let settings = json!({"auth_token": self.account.token, "numbers": [SENDER]});
        let url = format!("{}/_sim/accounts/{}", self.base, self.account.sid);
        answer(self.http.request(Method::PUT, url).json(&settings)).await.map(drop)
    }

    /// What the simulator says of the account.
    async fn ask(&self, path: &str, query: &str) -> Result<Value> {
        let url = format!("{}/_sim/{path}?account={}{query}", self.base, self.account.sid);
        answer(self.http.request(Method::GET, url)).await
    }

    /// One of the account's counts.
    async fn count(&self, name: &str) -> Result<u64> {
        Ok(self.ask("counts", "").await?[name].as_u64().unwrap_or(0))
    }
}
