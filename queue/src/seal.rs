//! Payload fields that nobody but a handler may read: sealed before the ledger and Redis see them, opened just before
//! the handler does.
//!
//! A kind names its secret fields ([`Job::SECRET_FIELDS`](crate::Job::SECRET_FIELDS)); each is replaced in the payload by
//! `{"sealed": "<base64>"}`. The engine brings no cipher: whoever runs it gives one ([`Seal`]), with keys and their
//! rotation, and the ledger refuses a job with secrets that nobody sealed. A sealed field is bound to its tenant, kind
//! and name: copied elsewhere it does not open. Rejected: binding it to the job's id, because a unique job may be
//! replaced by a later payload; and sealing whole payloads, which would hide from operators what is no secret.
//!
//! How to break it: read a payload past the [`Registry`](crate::Registry); raise a field out of the secret ones without
//! a new payload version (old payloads stay sealed, and open, so only new readers would be surprised).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Seals and opens, with keys of its own.
pub trait Seal: Send + Sync {
    /// Seals `plain` for `place`.
    fn seal(&self, place: &SealedPlace<'_>, plain: &[u8]) -> Vec<u8>;

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// Why it does not open, for a person; nothing about the content.
    fn open(&self, place: &SealedPlace<'_>, sealed: &[u8]) -> Result<Vec<u8>, String>;
}

/// Where a sealed field lives. It opens only there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedPlace<'a> {
    /// Whose job.
    pub tenant: Uuid,
    /// The job's kind.
    pub kind: &'a str,
    /// The payload's field.
    pub field: &'a str,
}

/// Why a payload's secrets could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The kind has secret fields, and nobody gave a [`Seal`].
    #[error("the payload has secret fields and there is no key to seal them with")]
    NoKey,
    /// Only an object's fields can be sealed.
    #[error("a payload with secret fields has to be a JSON object")]
    NoObject,
    /// A field does not open.
    #[error("the secret field {field} does not open: {why}")]
    Closed {
        /// Which.
        field: String,
        /// Why.
        why: String,
    },
}

const SEALED: &str = "sealed";

fn object(payload: &[u8]) -> Result<Map<String, Value>, SealError> {
    serde_json::from_slice(payload).map_err(|_| SealError::NoObject)
}

fn bytes(object: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(object).expect("a JSON object serialises")
}

/// Seals the `fields` of `payload` that it has and that are not sealed yet.
///
/// # Errors
/// [`SealError::NoObject`].
pub fn seal_fields(
    seal: &dyn Seal,
    tenant: Uuid,
    kind: &str,
    fields: &[&str],
    payload: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut object = object(payload)?;
    for &field in fields {
        if let Some(value) = object.get_mut(field).filter(|value| sealed_text(value).is_none()) {
            let place = SealedPlace { tenant, kind, field };
            let sealed = seal.seal(&place, &serde_json::to_vec(value).expect("a JSON value serialises"));
            *value = Value::Object(Map::from_iter([(SEALED.to_owned(), BASE64_STANDARD.encode(sealed).into())]));
        }
    }
    Ok(bytes(&object))
}

/// Opens the `fields` of `payload` that are sealed.
///
/// # Errors
/// What does not open, or [`SealError::NoKey`] where there is something to open and nothing to open it with.
pub fn open_fields(
    seal: Option<&dyn Seal>,
    tenant: Uuid,
    kind: &str,
    fields: &[&str],
    payload: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut object = object(payload)?;
    for &field in fields {
        let Some(value) = object.get_mut(field) else { continue };
        let Some(text) = sealed_text(value) else { continue };
        let closed = |why: String| SealError::Closed { field: field.to_owned(), why };
        let sealed = BASE64_STANDARD.decode(text).map_err(|error| closed(error.to_string()))?;
        let plain =
            seal.ok_or(SealError::NoKey)?.open(&SealedPlace { tenant, kind, field }, &sealed).map_err(closed)?;
        *value = serde_json::from_slice(&plain).map_err(|error| closed(error.to_string()))?;
    }
    Ok(bytes(&object))
}

/// The text of a sealed field. (A plain value of this very shape would be taken for one and not open.)
fn sealed_text(value: &Value) -> Option<&str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get(SEALED)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns bytes around and writes the place before them: enough to see what is sealed and where it opens.
    struct Turned;

    fn name(place: &SealedPlace<'_>) -> Vec<u8> {
        format!("{}/{}/{}:", place.tenant, place.kind, place.field).into_bytes()
    }

    impl Seal for Turned {
        fn seal(&self, place: &SealedPlace<'_>, plain: &[u8]) -> Vec<u8> {
            [name(place), plain.iter().rev().copied().collect()].concat()
        }

        fn open(&self, place: &SealedPlace<'_>, sealed: &[u8]) -> Result<Vec<u8>, String> {
            let turned = sealed.strip_prefix(name(place).as_slice()).ok_or("another place")?;
            Ok(turned.iter().rev().copied().collect())
        }
    }

    const PAYLOAD: &[u8] = br#"{"to":"+15550100","text":{"de":"geheim"},"n":1}"#;

    fn sealed() -> Vec<u8> {
        seal_fields(&Turned, Uuid::nil(), "a.b", &["text", "absent"], PAYLOAD).unwrap()
    }

    #[test]
    fn only_the_named_fields_are_hidden_and_they_come_back() {
        let text = String::from_utf8(sealed()).unwrap();
        assert!(text.contains("+15550100") && !text.contains("geheim"), "{text}");
        let again = open_fields(Some(&Turned), Uuid::nil(), "a.b", &["text", "absent"], &sealed()).unwrap();
        assert_eq!(again, PAYLOAD);
    }

    #[test]
    fn sealing_twice_seals_once() {
        assert_eq!(seal_fields(&Turned, Uuid::nil(), "a.b", &["text"], &sealed()).unwrap(), sealed());
    }

    #[test]
    fn another_tenant_or_kind_does_not_open_it() {
        for (tenant, kind) in [(Uuid::max(), "a.b"), (Uuid::nil(), "a.c")] {
            let opened = open_fields(Some(&Turned), tenant, kind, &["text"], &sealed());
            assert_eq!(opened, Err(SealError::Closed { field: "text".into(), why: "another place".into() }));
        }
    }

    #[test]
    fn without_a_key_a_sealed_field_stays_closed_and_a_plain_one_is_read() {
        assert_eq!(open_fields(None, Uuid::nil(), "a.b", &["text"], &sealed()), Err(SealError::NoKey));
        assert_eq!(open_fields(None, Uuid::nil(), "a.b", &["text"], PAYLOAD).unwrap(), PAYLOAD);
    }
}
