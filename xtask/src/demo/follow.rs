//! Follows a job live, by its event stream, as a customer's dashboard would.
//!
//! The stream may end at any time (a proxy's timeout, a restarted API): it is resumed after the
//! last event seen. The job itself is asked when the stream ends, because that is the truth.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures_util::StreamExt;
use reqwest::Method;
use serde_json::Value;

use crate::api::Api;

/// States after which nothing more happens.
const FINAL: [&str; 4] = ["succeeded", "failed", "cancelled", "dead"];

/// Follows job `id` to its end, calling `seen` with each state of it. Returns the last.
pub async fn job(api: &Api, id: &str, patience: Duration, mut seen: impl FnMut(&Value)) -> Result<Value> {
    let until = Instant::now() + patience;
    let mut last_event = String::new();
    loop {
        let job = api.get(&format!("/v1/jobs/{id}")).await?;
        seen(&job);
        if is_final(&job) {
            return Ok(job);
        }
        if Instant::now() > until {
            bail!("job {id} has not ended after {patience:?}: {job}");
        }
        let left = until.saturating_duration_since(Instant::now()).min(Duration::from_secs(20));
        let streaming = stream(api, id, &mut last_event, &mut seen);
        // Neither the end of the stream nor a failure of it says anything about the job.
        if !matches!(tokio::time::timeout(left, streaming).await, Ok(Ok(()))) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Whether a job has ended.
pub fn is_final(job: &Value) -> bool {
    job["status"].as_str().is_some_and(|status| FINAL.contains(&status))
}

async fn stream(api: &Api, id: &str, last_event: &mut String, seen: &mut impl FnMut(&Value)) -> Result<()> {
    let mut request = api.request(Method::GET, &format!("/v1/jobs/{id}/events"));
    if !last_event.is_empty() {
        request = request.header("Last-Event-ID", last_event.as_str());
    }
    let answer = request.header("Accept", "text/event-stream").send().await?.error_for_status()?;
    let mut bytes = answer.bytes_stream();
    let mut pending = Vec::new();
    while let Some(chunk) = bytes.next().await {
        pending.extend_from_slice(&chunk?);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(id) = line.strip_prefix("id:") {
                id.trim().clone_into(last_event);
            }
            let Some(Ok(job)) = line.strip_prefix("data:").map(serde_json::from_str::<Value>) else {
                continue;
            };
            seen(&job);
            if is_final(&job) {
                return Ok(());
            }
        }
    }
    Ok(())
}
