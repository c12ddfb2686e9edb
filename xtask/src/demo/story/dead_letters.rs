//! The last chapter: two texts failed for good. The cause is repaired, they are sent again.

use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use super::{BROKEN, Stage};
use crate::demo::step::{Bar, Counts, Step};

/// Lists the dead letters, repairs the phones, redrives, and sees both delivered.
pub async fn play(stage: &mut Stage) -> Result<[Step; 2]> {
    let total = u64::try_from(BROKEN.len())?;
    let bar = Bar::start(
        "dead_letters",
        "listing what failed for good",
        Counts { total, failed: total, ..Counts::default() },
    );
    let until = Instant::now() + Duration::from_secs(30);
    let mut letters = stage.list("/v1/dead_letters").await?;
    while letters.len() < BROKEN.len() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(250)).await;
        letters = stage.list("/v1/dead_letters").await?;
    }
    let found = u64::try_from(letters.len())?;
    if let Some(first) = letters.first() {
        stage.asides.push(format!("why a dead letter died: {}", first["error"]["detail"]));
    }
    let listed = bar.finish(Counts { total: found, failed: found, ..Counts::default() });

    let bar = Bar::start(
        "redrive",
        "repairing the cause, redriving them",
        Counts { total, succeeded: total, ..Counts::default() },
    );
    for phone in BROKEN {
        stage.simulate(Method::DELETE, &format!("/numbers/{phone}"), &Value::Null).await?;
    }
    let ids: Vec<&Value> = letters.iter().map(|letter| &letter["id"]).collect();
    stage.api.post("/v1/dead_letters/redrive", &json!({"ids": ids})).await?;
    let until = Instant::now() + Duration::from_secs(60);
    let mut counts = Counts { total, ..Counts::default() };
    loop {
        counts.succeeded = delivered(stage).await?;
        bar.show(counts);
        if counts.succeeded >= total || Instant::now() > until {
            counts.failed = total.saturating_sub(counts.succeeded);
            return Ok([listed, bar.finish(counts)]);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// How many of the repaired phones have their text now.
async fn delivered(stage: &Stage) -> Result<u64> {
    let messages = stage.list("/v1/messages?state=delivered").await?;
    let ours = messages.iter().filter(|message| BROKEN.iter().any(|phone| message["to"] == *phone));
    Ok(u64::try_from(ours.count())?)
}
