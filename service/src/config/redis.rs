//! `[redis]`: the dispatcher's store.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::{Process, reader::Reader};

/// Settings of Redis.
#[derive(Debug, Clone)]
pub struct RedisConfig {
    /// The address; empty only for [`Process::Migrate`], which does not use it.
    pub url: SecretString,
    /// What every key begins with, so that installations can share a server.
    pub namespace: String,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub response_timeout: Duration,
}

impl RedisConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("redis");
        let users = [Process::Api, Process::Worker, Process::Scheduler];
        let url: Option<SecretString> = section.required("url", &users, "to redis://host:6379/0");
        let known = |url: &SecretString| {
            ["redis://", "rediss://", "unix://"].iter().any(|scheme| url.expose_secret().starts_with(scheme))
        };
        if url.as_ref().is_some_and(|url| !known(url)) {
            section.refuse("url", "is not a Redis address", "write redis://host:6379/0, or rediss:// for TLS");
        }
        let namespace: String = section.get("namespace", "pb");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if namespace.len() > 32 || !namespace.bytes().all(plain) {
            section.refuse("namespace", "cannot begin a key", "use at most 32 letters, digits, - and _");
        }
        let range = Duration::from_millis(100)..=Duration::from_secs(60);
        Self {
            url: url.unwrap_or_default(),
            namespace,
            connect_timeout: section.within("connect_timeout", "2s", range.clone()),
            response_timeout: section.within("response_timeout", "5s", range),
        }
    }
}
