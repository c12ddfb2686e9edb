//! The story, one file a chapter, and what the chapters share.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::programs::Addresses;
use super::step::{Counts, Step};
use crate::api::{self, Api, text};
use crate::random::{self, Secrets};
use crate::ui;

mod dead_letters;
mod import;
mod receipts;
mod stop;
mod texts;

/// The number that the demo's tenant sends from; Twilio's own test number.
const SENDER: &str = "+15005550006";
/// The phone that answers STOP.
const STOPS: &str = "+447946938490";
/// Phones that nothing can be sent to, until the simulator is told to repair them.
const BROKEN: [&str; 2] = ["+447500940447", "+5548986756268"];

/// What `examples/leads.csv` holds (see `examples/README.md`).
const ROWS: Counts = Counts { total: 500, succeeded: 472, failed: 8, skipped: 20, held: 0 };

/// What was told.
pub struct Told {
    /// Each step, in order.
    pub steps: Vec<Step>,
    /// From the command to the first delivered text.
    pub first_delivered: Option<Duration>,
    /// The tenant's key.
    pub key: String,
    /// Remarks for the summary.
    pub asides: Vec<String>,
}

/// Where the story plays.
struct Stage {
    /// The API, with the tenant's key.
    api: Api,
    http: reqwest::Client,
    simulator: String,
    account_sid: String,
    start: Instant,
    first_delivered: Option<Duration>,
    asides: Vec<String>,
}

/// Signs up a new tenant and plays every chapter.
pub async fn tell(programs: &Addresses, secrets: &Secrets, start: Instant) -> Result<Told> {
    let mut stage = Stage::set(programs, secrets, start).await?;
    ui::note("");
    let mut steps = vec![import::play(&mut stage).await?];
    let (step, texts) = texts::play(&mut stage).await?;
    steps.push(step);
    steps.push(receipts::play(&mut stage, texts).await?);
    steps.push(stop::play(&mut stage).await?);
    steps.extend(dead_letters::play(&mut stage).await?);
    Ok(Told { steps, first_delivered: stage.first_delivered, key: stage.api.key().to_owned(), asides: stage.asides })
}

impl Stage {
    /// A fresh tenant with a provider account whose other end is the simulator.
    async fn set(programs: &Addresses, secrets: &Secrets, start: Instant) -> Result<Self> {
        let http = api::http()?;
        let system = Api::new(http.clone(), &programs.api, &secrets.system_key);
        let (_, api) = system.sign_up(&format!("Demo {}", random::hex(2)?)).await.context("cannot sign up")?;
        let account_sid = format!("AC{}", random::hex(16)?);
        let auth_token = random::hex(16)?;
        let account = json!({
            "kind": "twilio",
            "name": "Twilio (simulated)",
            "settings": {"account_sid": account_sid, "auth_token": auth_token},
            "senders": [{"address": SENDER, "is_default": true, "rate_per_second": 200.0}],
        });
        let account = api.post("/v1/provider_accounts", &account).await.context("cannot add the provider account")?;
        let stage = Self {
            api,
            http,
            simulator: programs.simulator.clone(),
            account_sid,
            start,
            first_delivered: None,
            asides: Vec::new(),
        };
        let inbound = text(&account["webhooks"], "inbound")?;
        stage
            .simulate(
                reqwest::Method::PUT,
                &format!("/accounts/{}", stage.account_sid),
                &json!({
                    "auth_token": auth_token,
                    "numbers": [SENDER],
                    "throughput": {"segments_per_second": 200.0},
                    "opt_out_handling": false,
                    "inbound_url": inbound,
                }),
            )
            .await?;
        for phone in BROKEN {
            stage.simulate(reqwest::Method::PUT, &format!("/numbers/{phone}"), &json!({"fail_with": 21_614})).await?;
        }
        Ok(stage)
    }

    /// A call to the simulator's own side, which plays the world outside: phones and carriers.
    async fn simulate(&self, method: reqwest::Method, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/_sim{path}", self.simulator);
        let request = || {
            let request = self.http.request(method.clone(), &url);
            if body.is_null() { request } else { request.json(body) }
        };
        api::json(request).await.context("the simulator did not do as told")
    }

    /// Every record of a list, page by page.
    async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let mut page = self.api.get(&format!("{path}{joint}limit=100{cursor}")).await?;
            if let Value::Array(data) = page["data"].take() {
                all.extend(data);
            }
            match page["next_cursor"].as_str() {
                Some(next) if page["has_more"] == json!(true) => cursor = format!("&cursor={next}"),
                _ => return Ok(all),
            }
        }
    }

    /// Notes the moment when the first text was seen delivered.
    fn delivered(&mut self) {
        self.first_delivered.get_or_insert(self.start.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::{BROKEN, STOPS};

    #[test]
    fn the_phones_with_a_part_are_in_the_file() {
        let path = crate::dev::root().join("examples/leads.csv");
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let file = std::fs::read_to_string(path).unwrap();
        let fields: Vec<String> = file.split(',').map(digits).collect();
        for phone in BROKEN.into_iter().chain([STOPS]) {
            assert!(fields.contains(&digits(phone)), "{phone} is not in examples/leads.csv");
        }
    }
}
