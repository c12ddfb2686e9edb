//! A bulk call's entry in the audit log: one for the call, with every id it changed.

use patchbay_db::{Tx, ids::JobId};
use patchbay_domain::audit;
use serde_json::json;

use crate::{
    http::{Call, Handled},
    jobs::Write,
};

/// Notes that `action` was done to `done`, in the same transaction; nothing where nothing was changed.
pub(super) async fn note(tx: &mut Tx, call: &Call<Write>, action: &'static str, done: &[JobId]) -> Handled<()> {
    let Some(first) = done.first() else { return Ok(()) };
    let ids: Vec<String> = done.iter().map(ToString::to_string).collect();
    let entry = audit::Entry {
        id: call.app.db.new_id(call.now),
        tenant: call.tenant(),
        actor: &call.actor(),
        action,
        subject: if done.len() == 1 { first.to_string() } else { "dead_letters".to_owned() },
        detail: json!({ "count": done.len(), "ids": ids }),
        request_id: call.request_id(),
        at: call.now,
    };
    Ok(audit::record(tx, entry).await?)
}
