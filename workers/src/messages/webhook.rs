//! Stored webhooks, as a provider's parser wants them, and the count of them.

use patchbay_db::ids::TenantId;
use patchbay_db::{Db, DbResult, TypedId};
use patchbay_providers::WebhookRequest;
use patchbay_queue::JobContext;
use patchbay_queue::ledger::progress::Progress;
use patchbay_queue::ledger::view;

/// The request that was stored. Its address and headers were for the signature, which was checked before storing.
pub(super) fn request(body: &[u8], query: &str) -> WebhookRequest {
    WebhookRequest {
        method: reqwest::Method::POST,
        urls: vec![format!("https://stored.invalid/?{query}")],
        headers: reqwest::header::HeaderMap::new(),
        body: bytes::Bytes::copy_from_slice(body),
    }
}

/// The counts of a job that has no webhook left. This run's own are all there are, except where an earlier one died or
/// lost the answer to its commit: what is not open any more was taken by it.
pub(super) async fn all_read(db: &Db, ctx: &JobContext, seen: Progress) -> DbResult<Progress> {
    if ctx.attempt() == 1 && seen.total > 0 {
        return Ok(seen);
    }
    let mut tx = db.begin_read(TenantId::from_uuid(ctx.tenant())).await?;
    let job = view::get(&mut tx, ctx.tenant(), ctx.id()).await?;
    tx.commit().await?;
    let stored = job.map(|job| job.progress()).unwrap_or_default();
    let (total, failed) = (stored.total.max(seen.total), stored.failed.max(seen.failed));
    Ok(Progress { total, succeeded: total - failed, failed, ..seen })
}
