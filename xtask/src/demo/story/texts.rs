//! Chapter two: every imported contact gets a text from a template.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use super::{BROKEN, ROWS, Stage};
use crate::api::text;
use crate::demo::follow;
use crate::demo::step::{Bar, Counts, Step};

/// Messages in one call.
const BATCH: usize = 200;

/// Sends them, and follows the jobs. Returns how many texts were sent.
pub async fn play(stage: &mut Stage) -> Result<(Step, u64)> {
    let broken = u64::try_from(BROKEN.len())?;
    let total = ROWS.succeeded;
    let expected = Counts { total, succeeded: total - broken, failed: broken, ..Counts::default() };
    let bar = Bar::start("texts", "texting every contact", expected);
    let template = json!({
        "code": "welcome", "class": "transactional", "name": "Welcome",
        "body": "Hi {{first_name}}, thank you for asking about our homes. An agent will call you today. Reply STOP to opt out.",
    });
    stage.api.post("/v1/templates", &template).await?;
    let contacts = stage.list("/v1/contacts").await?;
    let mut jobs = Vec::new();
    for chunk in contacts.chunks(BATCH) {
        let messages: Vec<Value> = chunk
            .iter()
            .map(|contact| {
                let name = contact["first_name"].as_str().unwrap_or("there");
                json!({"contact_id": contact["id"], "variables": {"first_name": name}})
            })
            .collect();
        let batch = json!({"template": "welcome", "mode": "permissive", "messages": messages});
        let accepted = stage.api.post("/v1/messages/batch", &batch).await?;
        jobs.push(text(&accepted, "job_id")?);
    }
    let mut sum = Counts::default();
    for job in jobs {
        let ended = follow::job(&stage.api, &job, Duration::from_secs(120), |job| {
            bar.show(sum.plus(Counts::of_progress(&job["progress"])));
        })
        .await?;
        sum = sum.plus(Counts::of_progress(&ended["progress"]));
        // The first receipts arrive while later texts are still leaving.
        if !stage.list("/v1/messages?state=delivered").await?.is_empty() {
            stage.delivered();
        }
    }
    Ok((bar.finish(sum), sum.succeeded))
}
