//! Seals the credentials that are stored in the database: XChaCha20-Poly1305 with keys from the configuration.
//!
//! Every sealed value is bound to its place (purpose, tenant, row): copied to another row or tenant it does not open,
//! so write access to the table is not enough to use somebody else's credentials. It begins with a format version and
//! the id of its key, so that keys can be rotated without a flag day and the format can change.
//! Rejected: sealing in PostgreSQL (pgcrypto), where the key would travel in statements and their logs; and key ids
//! given by hand, which can be given twice: an id is derived from its key.
//! It is broken by losing the key, or by changing a row's id after sealing.

use std::{fmt, sync::Arc};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305,
    aead::{Aead, Payload},
};
use secrecy::{ExposeSecret, SecretBox, SecretSlice};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::entropy::Entropy;

/// Version 1: `0x01`, key id, nonce, ciphertext with tag.
const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + NONCE_BYTES;

/// A key of 256 bits with its id. Its `Debug` shows the id only.
#[derive(Clone)]
pub struct SealingKey {
    id: [u8; KEY_ID_BYTES],
    bytes: Arc<SecretBox<[u8; 32]>>,
}

impl SealingKey {
    /// A key from 64 hexadecimal digits; nothing where the text is anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = Box::new([0; 32]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).ok()?;
        let digest = Sha256::new_with_prefix(b"patchbay sealing key id").chain_update(*bytes).finalize();
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest[..KEY_ID_BYTES]);
        Some(Self { id, bytes: Arc::new(SecretBox::new(bytes)) })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.bytes.expose_secret().into())
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SealingKey({})", hex::encode(self.id))
    }
}

/// Where a sealed value lives. It opens only there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Table and column, such as `provider_accounts.credentials`.
    pub purpose: &'static str,
    /// The tenant that owns the row.
    pub tenant_id: Uuid,
    /// The row.
    pub row_id: Uuid,
}

impl Place {
    /// The header and the fixed-width ids come first, so that no two places give the same bytes.
    fn associated_data(&self, header: &[u8]) -> Vec<u8> {
        [header, self.tenant_id.as_bytes(), self.row_id.as_bytes(), self.purpose.as_bytes()].concat()
    }
}

/// Why a value does not open. None of them says anything about the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not of this format.
    #[error("this is not a sealed value of a version that this program knows")]
    Format,
    /// Sealed with a key that is neither `secrets.key` nor among `secrets.previous_keys`.
    #[error("the value was sealed with another key: put that one into secrets.previous_keys")]
    UnknownKey,
    /// Changed, or moved from another place.
    #[error("the sealed value was changed, or belongs to another row")]
    Tampered,
}

/// Seals with the current key and opens with it or a previous one.
#[derive(Debug, Clone)]
pub struct Sealer {
    current: SealingKey,
    previous: Vec<SealingKey>,
    entropy: Arc<dyn Entropy>,
}

impl Sealer {
    /// A sealer; `entropy` gives the nonces, which are long enough to be drawn at random.
    #[must_use]
    pub fn new(current: SealingKey, previous: Vec<SealingKey>, entropy: Arc<dyn Entropy>) -> Self {
        Self { current, previous, entropy }
    }

    /// Seals `plaintext` for `place`. The result is 45 bytes longer.
    #[must_use]
    pub fn seal(&self, place: &Place, plaintext: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = self.entropy.array();
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&self.current.id);
        let aad = place.associated_data(&sealed);
        sealed.extend_from_slice(&nonce);
        let payload = Payload { msg: plaintext, aad: &aad };
        let ciphertext = self.current.cipher().encrypt(&nonce.into(), payload);
        sealed.extend(ciphertext.expect("a text in memory is far below the cipher's limit of 256 GiB"));
        sealed
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// [`OpenError`]: the value is of another format, key or place, or was changed. None of them passes by retrying.
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<SecretSlice<u8>, OpenError> {
        let (head, ciphertext) = sealed.split_at_checked(HEADER_BYTES).ok_or(OpenError::Format)?;
        let (prefix, nonce) = head.split_at(1 + KEY_ID_BYTES);
        if prefix[0] != VERSION {
            return Err(OpenError::Format);
        }
        let key = self.key(&prefix[1..]).ok_or(OpenError::UnknownKey)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| OpenError::Format)?;
        let aad = place.associated_data(prefix);
        let payload = Payload { msg: ciphertext, aad: &aad };
        let plaintext = key.cipher().decrypt(&nonce.into(), payload).map_err(|_| OpenError::Tampered)?;
        Ok(plaintext.into())
    }

    /// Whether `sealed` was sealed with another key than the current one, so that it should be sealed anew.
    #[must_use]
    pub fn is_stale(&self, sealed: &[u8]) -> bool {
        sealed.get(1..=KEY_ID_BYTES) != Some(self.current.id.as_slice())
    }

    fn key(&self, id: &[u8]) -> Option<&SealingKey> {
        std::iter::once(&self.current).chain(&self.previous).find(|key| key.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    const PLACE: Place =
        Place { purpose: "provider_accounts.credentials", tenant_id: Uuid::from_u128(1), row_id: Uuid::from_u128(2) };

    fn key(digit: &str) -> SealingKey {
        SealingKey::from_hex(&digit.repeat(64)).unwrap()
    }

    fn sealer(current: &str, previous: &[&str]) -> Sealer {
        let previous = previous.iter().map(|digit| key(digit)).collect();
        Sealer::new(key(current), previous, Arc::new(SeededEntropy::new(1)))
    }

    fn open(sealer: &Sealer, place: &Place, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        sealer.open(place, sealed).map(|secret| secret.expose_secret().to_vec())
    }

    #[test]
    fn what_was_sealed_opens_at_its_place() {
        let sealer = sealer("a", &[]);
        let sealed = sealer.seal(&PLACE, b"auth token");
        assert_eq!(open(&sealer, &PLACE, &sealed).unwrap(), b"auth token");
        assert_eq!(sealed.len(), b"auth token".len() + 45);
    }

    #[test]
    fn it_opens_at_no_other_place() {
        let sealer = sealer("a", &[]);
        let sealed = sealer.seal(&PLACE, b"auth token");
        let other = Uuid::from_u128(9);
        for place in [
            Place { purpose: "webhooks.secret", ..PLACE },
            Place { tenant_id: other, ..PLACE },
            Place { row_id: other, ..PLACE },
        ] {
            assert_eq!(open(&sealer, &place, &sealed), Err(OpenError::Tampered));
        }
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let sealer = sealer("a", &[]);
        let sealed = sealer.seal(&PLACE, b"auth token");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&sealer, &PLACE, &changed).is_err(), "byte {at}");
        }
        assert_eq!(open(&sealer, &PLACE, &sealed[..20]), Err(OpenError::Format));
        assert_eq!(open(&sealer, &PLACE, &[]), Err(OpenError::Format));
    }

    #[test]
    fn after_a_rotation_the_old_opens_and_is_stale() {
        let sealed = sealer("a", &[]).seal(&PLACE, b"auth token");
        let rotated = sealer("b", &["a"]);
        assert_eq!(open(&rotated, &PLACE, &sealed).unwrap(), b"auth token");
        assert!(rotated.is_stale(&sealed));
        assert!(!rotated.is_stale(&rotated.seal(&PLACE, b"auth token")));
        assert_eq!(open(&sealer("b", &[]), &PLACE, &sealed), Err(OpenError::UnknownKey));
    }

    #[test]
    fn one_text_sealed_twice_looks_different() {
        let sealer = sealer("a", &[]);
        assert_ne!(sealer.seal(&PLACE, b"auth token"), sealer.seal(&PLACE, b"auth token"));
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", sealer("a", &["b"]));
        assert!(!shown.contains("aaaaaaaa") && !shown.contains("bbbbbbbb") && !shown.contains("170"), "{shown}");
    }
}
