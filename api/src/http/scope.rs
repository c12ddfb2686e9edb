//! What a key may do, as a type per operation.
//!
//! An operation names its scope in its signature (`Call<Read>`), and the same type writes the scope into the API
//! document: the documented scope and the checked one cannot differ, and an operation without a scope does not compile.
//! Rejected: a string argument to a check inside the handler, which is forgotten once and then open to all.

/// A permission that an operation asks for. Declare one with [`scope!`](crate::scope).
pub trait Scope: Send + Sync + 'static {
    /// `resource:verb`, as a key lists it.
    const CODE: &'static str;
    /// The name under which poem-openapi carries the scope into the document: [`SCHEME_PREFIX`] and the code.
    const SCHEME: &'static str;
}

/// What [`Scope::SCHEME`] begins with; `openapi/security.rs` takes it apart again.
pub const SCHEME_PREFIX: &str = "api_key ";

/// The scheme of operations for the system key.
pub const SYSTEM_SCHEME: &str = "system_key";

/// The scope that stands for all.
pub const EVERYTHING: &str = "*";

/// Declares a scope: `scope!(/// Doc. pub Read = "templates:read");`.
#[macro_export]
macro_rules! scope {
    ($(#[doc = $doc:literal])+ pub $name:ident = $code:literal) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl $crate::http::scope::Scope for $name {
            const CODE: &'static str = $code;
            const SCHEME: &'static str = concat!("api_key ", $code);
        }
    };
}

/// Whether a key with the scopes `held` may do what asks for `needed`.
pub fn allows(held: &[String], needed: &str) -> bool {
    held.iter().any(|scope| scope == EVERYTHING || scope == needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::scope!(
        /// For the test below.
        pub Sample = "samples:read"
    );

    #[test]
    fn the_scheme_is_the_prefix_and_the_code() {
        assert_eq!(Sample::SCHEME, format!("{SCHEME_PREFIX}{}", Sample::CODE));
    }

    #[test]
    fn a_scope_allows_itself_and_the_star_allows_all() {
        let held = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        assert!(allows(&held(&["samples:read"]), Sample::CODE));
        assert!(allows(&held(&["*"]), Sample::CODE));
        assert!(!allows(&held(&["samples:write", "samples"]), Sample::CODE));
        assert!(!allows(&[], Sample::CODE));
    }
}
