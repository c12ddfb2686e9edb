//! The engine's secret payload fields, sealed with the keys that seal stored credentials.
//!
//! One set of keys and one rotation for everything that is stored sealed; the engine itself brings no cipher.

use patchbay_queue::seal::{Seal, SealedPlace};
use patchbay_service::Sealer;
use patchbay_service::secrets::Place;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// See the module.
#[derive(Debug, Clone)]
pub struct PayloadSeal(Sealer);

impl PayloadSeal {
    /// Seals with the keys of `sealer`.
    #[must_use]
    pub const fn new(sealer: Sealer) -> Self {
        Self(sealer)
    }
}

/// A payload's field has no row of its own: a digest of its kind and name stands for one.
fn place(sealed: &SealedPlace<'_>) -> Place {
    let digest = Sha256::new().chain_update(sealed.kind).chain_update([0]).chain_update(sealed.field).finalize();
    let mut row = [0; 16];
    row.copy_from_slice(&digest[..16]);
    Place { purpose: "queue.jobs.payload", tenant_id: sealed.tenant, row_id: Uuid::from_bytes(row) }
}

impl Seal for PayloadSeal {
    fn seal(&self, at: &SealedPlace<'_>, plain: &[u8]) -> Vec<u8> {
        self.0.seal(&place(at), plain)
    }

    fn open(&self, at: &SealedPlace<'_>, sealed: &[u8]) -> Result<Vec<u8>, String> {
        let opened = self.0.open(&place(at), sealed).map_err(|error| error.to_string())?;
        Ok(opened.expose_secret().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use patchbay_service::SystemEntropy;
    use patchbay_service::secrets::SealingKey;

    use super::*;

    fn seal(digits: &str) -> PayloadSeal {
        PayloadSeal::new(Sealer::new(
            SealingKey::from_hex(&digits.repeat(32)).unwrap(),
            Vec::new(),
            Arc::new(SystemEntropy),
        ))
    }

    fn at(tenant: Uuid, field: &'static str) -> SealedPlace<'static> {
        SealedPlace { tenant, kind: "a.b", field }
    }

    #[test]
    fn it_opens_where_it_was_sealed_and_nowhere_else() {
        let sealed = seal("5a").seal(&at(Uuid::nil(), "text"), b"hello");
        assert!(!sealed.windows(5).any(|part| part == b"hello"));
        assert_eq!(seal("5a").open(&at(Uuid::nil(), "text"), &sealed).unwrap(), b"hello");
        assert!(seal("5a").open(&at(Uuid::max(), "text"), &sealed).is_err());
        assert!(seal("5a").open(&at(Uuid::nil(), "other"), &sealed).is_err());
        assert!(seal("6b").open(&at(Uuid::nil(), "text"), &sealed).unwrap_err().contains("previous_keys"));
    }
}
