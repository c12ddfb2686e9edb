//! Messages from acceptance to the applied receipt, against the simulator.

mod bare;
mod latency;
mod rate;
mod sink;

use anyhow::Result;

use super::Scale;
use crate::customer::Customer;
use crate::report::Report;
use crate::simulated::Simulated;
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
    let world = Simulated::new(stack.simulator(), customer.add_account().await?).await?;
    latency::measure(&customer, &world, scale, report).await?;
    rate::measure(stack, &customer, &world, scale, report).await
}
