//! `tenants plan`.

use clap::Args;

use crate::{
    client::types::TenantPatch,
    context::Context,
    failure::Failure,
    screen::{Record, View},
};

const AFTER: &str = "Examples:
  patchbay-admin tenants plan tnt_01h455vb4pex5vsknk084sn02q pro";

/// Gives a tenant a plan; its share changes for what waits already.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct Plan {
    /// The tenant's id.
    id: String,
    /// The plan's name.
    plan: String,
}

impl Plan {
    /// Runs it.
    ///
    /// # Errors
    /// As any call of the API.
    pub async fn run(&self, context: &Context) -> Result<View, Failure> {
        let body = TenantPatch::builder().plan(self.plan.clone());
        let answer = context.answered(context.client.tenants_patch().id(&self.id).body(body).send().await)?;
        let tenant = answer.read;
        let record = Record::new().with("tenant", tenant.id).with("plan", tenant.plan.unwrap_or_default());
        Ok(View::new(answer.json, record.drawn()))
    }
}
