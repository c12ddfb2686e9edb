//! A stored webhook, as a provider's parser wants it.

use patchbay_providers::WebhookRequest;

/// The request that was stored. Its address and headers were for the signature, which was checked before storing.
pub(super) fn request(body: &[u8], query: &str) -> WebhookRequest {
    WebhookRequest {
        method: reqwest::Method::POST,
        urls: vec![format!("https://stored.invalid/?{query}")],
        headers: reqwest::header::HeaderMap::new(),
        body: bytes::Bytes::copy_from_slice(body),
    }
}
