//! One import through the public API: upload, start, follow.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::file::MAPPING;
use crate::customer::{Customer, answer, text};

/// An import that is done.
pub struct Done {
    /// From the first byte of the upload until the job was seen to have succeeded.
    pub whole: Duration,
    /// From the start of the job's run to its end.
    pub job: Duration,
    /// How it went, for a person.
    pub told: String,
}

/// Imports a file.
pub async fn import(customer: &Customer, file: Body) -> Result<Done> {
    let start = Instant::now();
    let part = Part::stream(file).file_name("leads.csv").mime_str("text/csv")?;
    let upload = customer.request(reqwest::Method::POST, "/v1/imports").multipart(Form::new().part("file", part));
    let import = text(&answer(upload).await?, "id")?;
    let uploaded = start.elapsed();
    let mapping: Vec<Value> = MAPPING.iter().map(|(column, field)| json!({"column": column, "field": field})).collect();
    let started = customer.post(&format!("/v1/imports/{import}/start"), &json!({"mapping": mapping})).await?;
    let job = customer.job(&text(&started, "job_id")?, Duration::from_secs(900)).await?;
    let whole = start.elapsed();
    let run = time(&job, "finished_at")? - time(&job, "started_at")?;
    let told = format!(
        "uploaded after {:.2} s, done after {:.2} s, {}",
        uploaded.as_secs_f64(),
        whole.as_secs_f64(),
        job["progress"]
    );
    Ok(Done { whole, job: run.to_std().context("a job that ended before it began")?, told })
}

fn time(job: &Value, field: &str) -> Result<DateTime<Utc>> {
    text(job, field)?.parse().with_context(|| format!("{field} of {job} is no time"))
}
