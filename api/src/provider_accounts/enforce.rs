//! A sender's rate, in Redis at once: the ledger's copy there is renewed about every second, and until then a sender
//! just added would have no rate at all.

use patchbay_db::{Db, TypedId, ids::TenantId};
use patchbay_domain::provider_accounts::{NewSender, limits};

/// Sets the committed rates of `senders`. A Redis that does not answer only means the second that it takes anyway.
pub(super) async fn rates(db: &Db, tenant: TenantId, senders: &[NewSender]) {
    let lanes = db.dispatcher().lanes();
    if let Err(error) = lanes.set_limits(limits::QUEUE, &limits::of(tenant.uuid(), senders)).await {
        tracing::warn!(%error, "the rates of senders are enforced a little later");
    }
}
