//! Checks that a webhook was signed by Twilio with the account's auth token.
//!
//! The signature covers the URL with its query and, for forms, every parameter; for other bodies the URL holds the
//! body's SHA-256. Twilio signs with or without the port depending on product and scheme, and a proxy hides the URL
//! it called, so several spellings are tried, all of them and in constant time. A body that is neither a form nor
//! hashed in the URL is refused: the signature says nothing about it.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::config::signing_tokens;
use crate::{Account, SignatureError, WebhookRequest, form};

/// Header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-twilio-signature";

/// Query parameter that carries the hash of a body that is not a form.
const BODY_HASH: &str = "bodySHA256";

/// Proves that the request is from the account's Twilio, or says why not.
pub fn verify(account: &Account, request: &WebhookRequest) -> Result<(), SignatureError> {
    let mut headers = request.headers.get_all(SIGNATURE_HEADER).iter();
    let header = headers.next().ok_or(SignatureError::Missing)?;
    let given = STANDARD.decode(header.as_bytes()).map_err(|_| SignatureError::Malformed)?;
    if given.len() != 20 || headers.next().is_some() {
        return Err(SignatureError::Malformed);
    }
    let parameters = signed_parameters(request)?;
    let mut keys = signing_tokens(account).peekable();
    if keys.peek().is_none() {
        return Err(SignatureError::NoKey);
    }
    let urls: Vec<_> = request.urls.iter().flat_map(|url| spellings(url)).collect();
    let mut matched = Choice::from(0);
    for key in keys {
        for url in &urls {
            matched |= digest(key, url, &parameters).ct_eq(&given);
        }
    }
    if bool::from(matched) { Ok(()) } else { Err(SignatureError::Mismatch) }
}

/// Signs as Twilio does, for tests and the simulator: `parameters` are the form's, empty for other bodies.
#[must_use]
pub fn sign(token: &SecretString, url: &str, parameters: &[(&str, &str)]) -> String {
    let mut pairs = parameters.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    STANDARD.encode(digest(token, url, &sorted(&mut pairs)))
}

/// The parameters that are part of what was signed, in the order of signing.
fn signed_parameters(request: &WebhookRequest) -> Result<form::Pairs, SignatureError> {
    let hash = request.query(BODY_HASH);
    if let Some(hash) = &hash {
        let actual = hex::encode(Sha256::digest(&request.body));
        if !bool::from(actual.as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes())) {
            return Err(SignatureError::BodyHash);
        }
    }
    if is_form(request) {
        Ok(sorted(&mut form::parse(&request.body).into_iter()))
    } else if hash.is_some() || request.body.is_empty() {
        Ok(form::Pairs::new())
    } else {
        Err(SignatureError::NotCovered)
    }
}

fn is_form(request: &WebhookRequest) -> bool {
    request.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

/// Sorted by name, then by value; equal pairs count once.
fn sorted(pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>) -> form::Pairs {
    let mut pairs: form::Pairs = pairs.collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn digest(token: &SecretString, url: &str, parameters: &form::Pairs) -> [u8; 20] {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(token.expose_secret().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    for (name, value) in parameters {
        mac.update(name);
        mac.update(value);
    }
    mac.finalize().into_bytes().into()
}

/// The URL as it is, without its port, and with its scheme's default port. Nothing else of it is touched: a parser
/// would normalise what was signed.
fn spellings(url: &str) -> Vec<String> {
    let mut spellings = vec![url.to_owned()];
    if let Some((scheme, rest)) = url.split_once("://") {
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
            _ => (authority, None),
        };
        match (port, scheme) {
            (Some(_), _) => spellings.push(format!("{scheme}://{host}{tail}")),
            (None, "https") => spellings.push(format!("{scheme}://{host}:443{tail}")),
            (None, "http") => spellings.push(format!("{scheme}://{host}:80{tail}")),
            (None, _) => {}
        }
    }
    spellings
}
