//! Chapter four: one phone answers STOP. It is obeyed, confirmed, and remembered.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{SENDER, STOPS, Stage};
use crate::demo::step::{Bar, Counts, Step};

/// Three things must happen: opted out, confirmation sent, next send refused.
pub async fn play(stage: &mut Stage) -> Result<Step> {
    let expected = Counts { total: 3, succeeded: 3, ..Counts::default() };
    let bar = Bar::start("stop", "one phone answers STOP", expected);
    let contact = find(stage).await?;
    let stop = json!({"account_sid": stage.account_sid, "from": STOPS, "to": SENDER, "body": "Stop."});
    stage.simulate(Method::POST, "/inbound", &stop).await?;
    let mut counts = Counts { total: 3, ..Counts::default() };
    let id = contact["id"].as_str().unwrap_or_default().to_owned();
    for fact in [Fact::OptedOut, Fact::Confirmed, Fact::Refused] {
        if fact.comes_true(stage, &id).await? {
            counts.succeeded += 1;
        } else {
            counts.failed += 1;
        }
        bar.show(counts);
    }
    Ok(bar.finish(counts))
}

#[derive(Clone, Copy)]
enum Fact {
    OptedOut,
    Confirmed,
    Refused,
}

impl Fact {
    /// Waits for it, for some seconds.
    async fn comes_true(self, stage: &mut Stage, contact: &str) -> Result<bool> {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let is_true = match self {
                Self::OptedOut => {
                    let contact = stage.api.get(&format!("/v1/contacts/{contact}")).await?;
                    sms(&contact).is_some_and(|channel| channel["consent"] == "opted_out")
                }
                Self::Confirmed => {
                    let path = format!("/messages?account={}&to=%2B{}", stage.account_sid, &STOPS[1..]);
                    let texts = stage.simulate(Method::GET, &path, &Value::Null).await?;
                    texts["messages"].as_array().is_some_and(|texts| {
                        texts.iter().any(|text| text["body"].as_str().is_some_and(|body| body.contains("unsubscribed")))
                    })
                }
                Self::Refused => return refused(stage, contact).await,
            };
            if is_true {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(false)
    }
}

/// The next send to that contact is refused at once, with a reason.
async fn refused(stage: &mut Stage, contact: &str) -> Result<bool> {
    let message = json!({"template": "welcome", "contact_id": contact, "variables": {"first_name": "you"}});
    let answer = stage.api.request(Method::POST, "/v1/messages").json(&message).send().await?;
    let status = answer.status();
    let problem: Value = answer.json().await.context("the refusal is no JSON")?;
    stage.asides.push(format!(
        "after STOP, the next send was answered with {}: {}",
        status.as_u16(),
        problem["detail"]
    ));
    Ok(status == StatusCode::UNPROCESSABLE_ENTITY && problem["code"] == "recipient_opted_out")
}

async fn find(stage: &Stage) -> Result<Value> {
    let all = stage.list("/v1/contacts").await?;
    let ours = all.into_iter().find(|contact| sms(contact).is_some_and(|channel| channel["address"] == STOPS));
    let Some(contact) = ours else { bail!("no contact has the phone {STOPS}") };
    Ok(contact)
}

fn sms(contact: &Value) -> Option<&Value> {
    contact["channels"].as_array()?.iter().find(|channel| channel["channel"] == "sms")
}
