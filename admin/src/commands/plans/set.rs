//! `plans set`.

use clap::Args;

use super::list::drawn;
use crate::{client::types::PlanPut, context::Context, failure::Failure, screen::View};

const AFTER: &str = "Examples:
  patchbay-admin plans set pro --weight 4
  patchbay-admin plans set trial --weight 0.5 --max-waiting 1000";

/// Makes a plan, or changes it; it holds for what its tenants have waiting already.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Set {
    /// Its name.
    name: String,
    /// A tenant's share against the others'.
    #[arg(long, value_name = "WEIGHT")]
    weight: f64,
    /// Jobs of a tenant that may wait in a queue; what is configured where it is left out.
    #[arg(long, value_name = "JOBS")]
    max_waiting: Option<i64>,
}

impl Set {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let body = PlanPut { weight: self.weight, max_waiting: self.max_waiting };
        let answer = context.answered(context.client.plans_put().name(&self.name).body(body).send().await)?;
        let text = drawn(context, vec![answer.read]);
        Ok(View::new(answer.json, text))
    }
}
