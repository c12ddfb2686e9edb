//! Secrets for the local instances, drawn from the system.
//!
//! They are kept in `.dev/secrets.json`: provider credentials that an earlier demo sealed must
//! still open, because its tenants stay in the database and the scheduler visits them.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::dev;

/// The secrets of this work tree.
#[derive(Serialize, Deserialize)]
pub struct Secrets {
    /// Authorizes the calls that no tenant may make.
    pub system_key: String,
    /// Seals provider credentials: 32 bytes in hex.
    pub sealing_key: String,
}

impl Secrets {
    /// Reads them, or makes them once.
    pub fn load() -> Result<Self> {
        let path = dev::dir()?.join("secrets.json");
        if let Some(secrets) = dev::read_json(&path) {
            return Ok(secrets);
        }
        let secrets = Self { system_key: format!("pb_sys_{}", hex(32)?), sealing_key: hex(32)? };
        dev::write_json(&path, &secrets)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(secrets)
    }
}

/// `bytes` random bytes, in hex.
pub fn hex(bytes: usize) -> Result<String> {
    let mut buffer = vec![0; bytes];
    let mut source = File::open("/dev/urandom").context("no source of random bytes")?;
    source.read_exact(&mut buffer)?;
    Ok(hex::encode(buffer))
}
