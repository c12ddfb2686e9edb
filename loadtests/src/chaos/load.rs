//! A customer that repeats each call until it is answered.

use std::time::Duration;

use anyhow::{Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::customer::Customer;

/// Messages of one call.
const BATCH: usize = 20;
/// Between two calls: the load lasts long enough for every blow to fall several times.
const PACE: Duration = Duration::from_millis(150);
/// Between two tries of one call, and how many there may be: a restarted API is back within seconds.
const AGAIN: Duration = Duration::from_millis(200);
const TRIES: usize = 150;

/// Sends so many messages; answers how many were accepted.
pub(super) async fn send(customer: &Customer, messages: usize) -> Result<usize> {
    let mut accepted = 0;
    for call in 0..messages.div_ceil(BATCH) {
        let numbers = (call * BATCH)..messages.min((call + 1) * BATCH);
        let texts: Vec<Value> =
            numbers.map(|n| json!({ "to": format!("+1628{:07}", 2_000_000 + n), "body": "in a storm" })).collect();
        accepted += once(customer, call, &json!({ "messages": texts })).await?;
        tokio::time::sleep(PACE).await;
    }
    Ok(accepted)
}

/// One call, until it is answered for good.
async fn once(customer: &Customer, call: usize, body: &Value) -> Result<usize> {
    let key = format!("storm-{call}");
    for _ in 0..TRIES {
        let request = customer.request(Method::POST, "/v1/messages/batch").header("idempotency-key", &key).json(body);
        if let Ok(answer) = request.send().await {
            let status = answer.status();
            if let (StatusCode::ACCEPTED, Ok(answer)) = (status, answer.json::<Value>().await) {
                return Ok(answer["accepted"].as_u64().map_or(0, |n| usize::try_from(n).unwrap_or(0)));
            }
            let again = status.is_server_error() || matches!(status.as_u16(), 202 | 409 | 429);
            ensure!(again, "a call was answered with {status}");
        }
        tokio::time::sleep(AGAIN).await;
    }
    anyhow::bail!("a call was not answered in {TRIES} tries")
}
