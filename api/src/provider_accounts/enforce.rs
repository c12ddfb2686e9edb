//! A sender's rate, in Redis at once: the ledger's copy there is renewed about every second, and until then a sender
//! just added would have no rate at all.

use patchbay_db::{
    Db, TypedId,
    ids::{ProviderAccountId, TenantId},
};
use patchbay_domain::provider_accounts::{NewSender, limits};

/// Sets the committed rates of the `senders` of `account`. A Redis that does not answer only means the second that it takes anyway.
pub(super) async fn rates(db: &Db, tenant: TenantId, account: ProviderAccountId, senders: &[NewSender]) {
    let lanes = db.dispatcher().lanes();
    let rates = limits::of(tenant.uuid(), account, senders);
    if let Err(error) = lanes.set_rates(limits::QUEUE, &rates).await {
        tracing::warn!(%error, "the rates of senders are enforced a little later");
    }
}
