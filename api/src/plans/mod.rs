//! `/v1/plans`: what a tenant's plan is worth in the queues. For the operator only.
//!
//! A plan is what the queues need of it: a weight and a depth. Prices and what else a plan sells are billing's, by the same name.

mod delete;
mod dto;
mod get;
mod list;
mod put;

use patchbay_db::{DbResult, SystemTx, TypedId, ids::TenantId};
use patchbay_domain::audit;
use patchbay_queue::SYSTEM_TENANT;
use serde_json::Value;

use crate::http::SystemCall;

/// The operations of this resource.
pub type Operations = (put::Put, list::List, get::Get, delete::Delete);

/// The entry in the audit log.
async fn noted(call: &SystemCall, tx: &mut SystemTx, action: &'static str, name: &str, detail: Value) -> DbResult<()> {
    let entry = audit::Entry {
        id: call.app.db.new_id(call.now),
        tenant: TenantId::from_uuid(SYSTEM_TENANT),
        actor: "system",
        action,
        subject: name.to_owned(),
        detail,
        request_id: Some(call.request_id()),
        at: call.now,
    };
    audit::record(tx, entry).await
}
