//! `[api]`: the HTTP API.
//!
//! No key for cross-origin requests: API keys belong on servers, so no CORS header is ever sent.

use std::{net::SocketAddr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{ByteSize, Process, reader::Reader};

/// Settings of the API.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address under which the outside world reaches it: the base of the callback URLs given to providers.
    /// Ends in `/`: join relative paths to it.
    pub public_url: Url,
    /// Whether `X-Forwarded-*` of the peer is believed.
    pub trust_forwarded: bool,
    /// The system key (`pb_sys_…`); present for [`Process::Api`].
    pub system_key: Option<SecretString>,
    /// The largest JSON body.
    pub json_body_max: ByteSize,
    /// The largest body of a batch call.
    pub batch_body_max: ByteSize,
    /// The largest uploaded file.
    pub upload_body_max: ByteSize,
    /// How long a request may take, uploads and event streams excepted.
    pub request_timeout: Duration,
}

impl ApiConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("api");
        let system_key: Option<SecretString> =
            section.required("system_key", &[Process::Api], "to pb_sys_ followed by at least 24 random characters");
        if system_key.as_ref().is_some_and(|key| !is_system_key(key.expose_secret())) {
            section.refuse(
                "system_key",
                "is not of the form of a system key",
                "write pb_sys_ followed by at least 24 letters, digits, - or _",
            );
        }
        let smallest = ByteSize::kibibytes(1);
        let config = Self {
            listen: section.get("listen", "127.0.0.1:8080"),
            public_url: section.get("public_url", "http://127.0.0.1:8080"),
            trust_forwarded: section.get("trust_forwarded", "false"),
            system_key,
            json_body_max: section.within("json_body_max", "1 MiB", smallest..=ByteSize::mebibytes(64)),
            batch_body_max: section.within("batch_body_max", "8 MiB", smallest..=ByteSize::mebibytes(256)),
            upload_body_max: section.within("upload_body_max", "256 MiB", smallest..=ByteSize::mebibytes(16_384)),
            request_timeout: section.within(
                "request_timeout",
                "30s",
                Duration::from_secs(1)..=Duration::from_secs(300),
            ),
        };
        if config.batch_body_max < config.json_body_max {
            section.refuse(
                "batch_body_max",
                "is smaller than json_body_max",
                "a batch is the larger body: raise it, or lower json_body_max",
            );
        }
        config
    }
}

fn is_system_key(key: &str) -> bool {
    key.strip_prefix("pb_sys_").is_some_and(|rest| {
        rest.len() >= 24 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    })
}
