//! A webhook as a job's payload carries it.
//!
//! The job *is* the store: the webhook is committed with it before its provider is answered, read by it, and goes with
//! it when the job's day is dropped. Rejected: a table of webhooks beside the jobs, which costs an insert, an update and
//! three indexes for each receipt (a third of all that a receipt costs), to say what the job's state says.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use patchbay_db::ids::ProviderAccountId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One verified webhook, as it came.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The account it came to.
    pub account: ProviderAccountId,
    /// The account's provider, by its name.
    pub provider: String,
    /// Its body, byte for byte (base64 in the payload: nothing says that it is text).
    #[serde(serialize_with = "encode", deserialize_with = "decode")]
    pub body: Vec<u8>,
    /// Its query, byte for byte.
    pub query: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("account", &self.account)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

fn encode<S: Serializer>(body: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&BASE64_STANDARD.encode(body))
}

fn decode<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    BASE64_STANDARD.decode(text.as_bytes()).map_err(serde::de::Error::custom)
}
