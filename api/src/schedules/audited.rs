//! What a tenant's deed leaves in the audit log: the rule and how it catches up, never what its messages say.

use patchbay_db::Tx;
use patchbay_domain::audit;
use serde_json::json;

use super::{Write, dto::Schedule};
use crate::http::{Call, Handled};

/// Notes that `action` was done, in the same transaction.
pub(super) async fn note(
    tx: &mut Tx,
    call: &Call<Write>,
    action: &'static str,
    subject: String,
    schedule: &Schedule,
) -> Handled<()> {
    let entry = audit::Entry {
        id: call.app.db.new_id(call.now),
        tenant: call.tenant(),
        actor: &call.actor(),
        action,
        subject,
        detail: json!({ "name": schedule.name, "cron": schedule.cron, "time_zone": schedule.time_zone }),
        request_id: Some(call.request_id()),
        at: call.now,
    };
    Ok(audit::record(tx, entry).await?)
}
