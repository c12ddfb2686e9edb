//! A sender's rate, in Redis at once: the ledger's copy there is renewed about every second, and until then a sender
//! just added would have no rate at all.

use patchbay_db::Db;
use patchbay_domain::provider_accounts::limits;
use patchbay_queue::lanes::RateLimit;

/// Puts the committed `rates` of senders into force. A Redis that does not answer only means the second that it takes anyway.
pub(super) async fn rates(db: &Db, rates: &[RateLimit]) {
    if let Err(error) = db.dispatcher().lanes().set_rates(limits::QUEUE, rates).await {
        tracing::warn!(%error, "the rates of senders are enforced a little later");
    }
}
