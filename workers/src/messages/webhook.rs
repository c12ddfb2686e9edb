//! A webhook, as a provider's parser wants it.

use patchbay_jobs::webhook::Webhook;
use patchbay_providers::WebhookRequest;
use patchbay_queue::ledger::progress::Progress;

/// The request that it was. Its address and headers were for the signature, which was checked at the door.
pub(super) fn request(webhook: &Webhook) -> WebhookRequest {
    WebhookRequest {
        method: reqwest::Method::POST,
        urls: vec![format!("https://stored.invalid/?{}", webhook.query)],
        headers: reqwest::header::HeaderMap::new(),
        body: bytes::Bytes::copy_from_slice(&webhook.body),
    }
}

/// The counts of a job that read all its webhooks but `unread`.
pub(super) fn counts(webhooks: &[Webhook], unread: i32) -> Progress {
    let total = i32::try_from(webhooks.len()).unwrap_or(i32::MAX);
    Progress { total, succeeded: total - unread, failed: unread, ..Progress::default() }
}
