//! Accepting messages over HTTP: how many, and how fast each.

mod batch;
mod latency;
mod saturation;

use anyhow::Result;
use bytes::Bytes;
use serde_json::json;

use super::Scale;
use crate::customer::Customer;
use crate::report::Report;
use crate::stack::{Parts, Stack};

/// The text of every message; one segment.
const BODY: &str = "Hi, thank you for asking about our homes. An agent will call you today. Reply STOP to opt out.";

/// Measures `POST /v1/messages` and its batch form.
///
/// # Errors
/// When the programs do not start, or refuse a message.
pub async fn run(scale: Scale) -> Result<Report> {
    let mut report = Report::new("api");
    let stack = Stack::start(Parts::All).await?;
    let measured = latency::measure(&stack, scale, &mut report).await;
    stack.end().await?;
    measured?;
    let stack = Stack::start(Parts::Api).await?;
    let measured = alone(&stack, scale, &mut report).await;
    stack.end().await?;
    measured?;
    Ok(report)
}

/// Without worker and simulator: on a few cores they would take their share of what is to be measured.
async fn alone(stack: &Stack, scale: Scale, report: &mut Report) -> Result<()> {
    let customer = Customer::sign_up(stack).await?;
    customer.add_account().await?;
    latency::measure_api_alone(&customer, scale, report).await?;
    saturation::measure(stack, &customer, scale, report).await?;
    batch::measure(&customer, scale, report).await
}

/// A US number that nobody else in a run has.
fn number(n: usize) -> String {
    format!("+1415{:07}", 2_000_000 + n % 7_000_000)
}

/// One message to the `n`th number.
fn message(n: usize) -> Bytes {
    json!({"to": number(n), "body": BODY}).to_string().into()
}
