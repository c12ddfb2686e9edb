//! Chapter one: a lead file goes in.

use std::time::Duration;

use anyhow::{Context, Result};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{ROWS, Stage};
use crate::api::{self, text};
use crate::demo::follow;
use crate::demo::step::{Bar, Counts, Step};
use crate::dev;

/// Which column is which field; what is not named here is kept as an attribute.
const MAPPING: [(&str, &str); 8] = [
    ("First Name", "first_name"),
    ("Last Name", "last_name"),
    ("E-mail Address", "email"),
    ("Mobile Phone", "phone"),
    ("Country", "country"),
    ("Company", "company_name"),
    ("City", "city"),
    ("SMS Opt-in", "sms_consent"),
];

/// Uploads the file, starts the import with a mapping, follows it live, fetches the errors.
pub async fn play(stage: &mut Stage) -> Result<Step> {
    let bar = Bar::start("import", "importing examples/leads.csv", ROWS);
    let file = std::fs::read(dev::root().join("examples/leads.csv")).context("cannot read examples/leads.csv")?;
    let upload = || {
        let part = Part::bytes(file.clone()).file_name("leads.csv");
        stage.api.request(Method::POST, "/v1/imports").multipart(Form::new().part("file", part))
    };
    let import = api::json(upload).await?;
    let id = text(&import, "id")?;
    let mapping: Vec<Value> = MAPPING.iter().map(|(column, field)| json!({"column": column, "field": field})).collect();
    let started = stage.api.post(&format!("/v1/imports/{id}/start"), &json!({"mapping": mapping})).await?;
    let job = text(&started, "job_id")?;
    let job = follow::job(&stage.api, &job, Duration::from_secs(120), |job| {
        bar.show(Counts::of_progress(&job["progress"]));
    })
    .await?;
    let errors = stage.api.request(Method::GET, &format!("/v1/imports/{id}/errors")).send().await?;
    let errors = errors.error_for_status()?.text().await?;
    let first = errors.lines().nth(1).unwrap_or_default();
    stage.asides.push(format!("rows that were not taken come back as a file; its first: {first}"));
    Ok(bar.finish(Counts::of_progress(&job["progress"])))
}
