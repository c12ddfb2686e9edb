//! How a key's secret is made, and what scopes it may carry.

use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::model::KeyMode;

/// A fresh secret. It exists here and in the one answer that shows it, and nowhere else.
#[derive(Debug)]
pub struct Issued {
    /// The whole key: `pb_test_` or `pb_live_` and 48 hex digits.
    pub secret: SecretString,
    /// What is stored of it.
    pub hash: [u8; 32],
    /// Its beginning and its last four digits, to recognise it by.
    pub hint: String,
}

/// Makes a key out of 24 random bytes.
#[must_use]
pub fn issue(mode: KeyMode, random: [u8; 24]) -> Issued {
    let digits = hex::encode(random);
    let secret = format!("pb_{}_{digits}", mode.as_str());
    let hash = Sha256::digest(secret.as_bytes()).into();
    let hint = format!("pb_{}_…{}", mode.as_str(), &digits[digits.len() - 4..]);
    Issued { secret: secret.into(), hash, hint }
}

/// Why a key cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// No operation asks for this scope.
    #[error("There is no scope {0}.")]
    UnknownScope(String),
    /// The key that makes it does not have this scope itself.
    #[error("A key can only pass on what it may do itself, and this one lacks {0}.")]
    Escalation(String),
}

/// Checks that some operation asks for `scope`; `known` are those there are.
///
/// # Errors
/// [`KeyFault::UnknownScope`].
pub fn check_scope(scope: &str, known: &[&str]) -> Result<(), KeyFault> {
    if scope == "*" || known.contains(&scope) {
        return Ok(());
    }
    Err(KeyFault::UnknownScope(scope.to_owned()))
}

/// Checks that a key with the scopes `held` may make one with `granted`.
///
/// # Errors
/// [`KeyFault::Escalation`] for the first scope that it does not have itself.
pub fn check_grant(granted: &[String], held: &[String]) -> Result<(), KeyFault> {
    if held.iter().any(|scope| scope == "*") {
        return Ok(());
    }
    granted.iter().find(|scope| !held.contains(scope)).map_or(Ok(()), |scope| Err(KeyFault::Escalation(scope.clone())))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_key_shows_its_mode_and_the_hint_does_not_give_it_away() {
        let issued = issue(KeyMode::Test, [0xab; 24]);
        assert_eq!(issued.secret.expose_secret(), format!("pb_test_{}", "ab".repeat(24)));
        assert_eq!(issued.hint, "pb_test_…abab");
        assert!(!format!("{issued:?}").contains("ababab"), "Debug must not show the secret");
    }

    #[test]
    fn a_key_cannot_pass_on_what_it_lacks() {
        let scopes = |list: &[&str]| list.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        assert_eq!(check_grant(&scopes(&["a:read"]), &scopes(&["a:read", "b:read"])), Ok(()));
        assert_eq!(check_grant(&scopes(&["*"]), &scopes(&["a:read"])), Err(KeyFault::Escalation("*".to_owned())));
        assert_eq!(check_grant(&scopes(&["x:y"]), &scopes(&["*"])), Ok(()));
    }

    #[test]
    fn only_scopes_that_an_operation_asks_for_exist() {
        assert_eq!(check_scope("a:read", &["a:read"]), Ok(()));
        assert_eq!(check_scope("a:reed", &["a:read"]), Err(KeyFault::UnknownScope("a:reed".to_owned())));
    }
}
