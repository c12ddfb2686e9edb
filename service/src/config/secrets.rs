//! `[secrets]`: the keys that seal stored credentials (`crate::secrets`).
//!
//! To rotate, put the present key in front of `previous_keys` and a new one into `key`: what the old one sealed still
//! opens, and is sealed anew when it is next written.

use std::sync::Arc;

use super::{Process, reader::Reader, value::Kind};
use crate::{
    entropy::Entropy,
    secrets::{Sealer, SealingKey},
};

/// The sealing keys. Neither is shown by `Debug`.
#[derive(Debug, Clone)]
pub struct SecretsConfig {
    /// Seals and opens; present for [`Process::Api`] and [`Process::Worker`].
    pub key: Option<SealingKey>,
    /// Open only.
    pub previous_keys: Vec<SealingKey>,
}

impl SecretsConfig {
    /// A sealer with these keys; nothing for a process that has none.
    #[must_use]
    pub fn sealer(&self, entropy: Arc<dyn Entropy>) -> Option<Sealer> {
        Some(Sealer::new(self.key.clone()?, self.previous_keys.clone(), entropy))
    }

    pub(super) fn read(reader: &mut Reader) -> Self {
        let mut section = reader.section("secrets");
        let users = [Process::Api, Process::Worker];
        Self {
            key: section.required("key", &users, "to 64 random hexadecimal digits (`openssl rand -hex 32` makes them)"),
            previous_keys: section.optional("previous_keys").unwrap_or_default(),
        }
    }
}

impl Kind for SealingKey {
    const FORM: &'static str = "64 hexadecimal digits";
    const SECRET: bool = true;
    fn parse(text: &str) -> Result<Self, String> {
        Self::from_hex(text).ok_or_else(|| "is not a key of 64 hexadecimal digits".to_owned())
    }
}

impl Kind for Vec<SealingKey> {
    const FORM: &'static str = "a list of keys of 64 hexadecimal digits each";
    const SECRET: bool = true;
    fn parse(text: &str) -> Result<Self, String> {
        text.split(',').map(|key| <SealingKey as Kind>::parse(key.trim())).collect()
    }
}
