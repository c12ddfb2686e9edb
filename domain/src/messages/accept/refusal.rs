//! Why a draft is not accepted: a stable code, where in the draft, and a sentence.

use std::borrow::Cow;

/// One reason against a draft or a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where, as a JSON pointer inside the draft (or the call).
    pub pointer: Cow<'static, str>,
    /// Stable and snake_case.
    pub code: &'static str,
    /// For a person.
    pub detail: Cow<'static, str>,
}

impl Refusal {
    /// A refusal in fixed words.
    pub(super) const fn new(pointer: &'static str, code: &'static str, detail: &'static str) -> Self {
        Self { pointer: Cow::Borrowed(pointer), code, detail: Cow::Borrowed(detail) }
    }

    /// A refusal whose sentence names something the caller gave.
    pub(super) const fn with(pointer: &'static str, code: &'static str, detail: String) -> Self {
        Self { pointer: Cow::Borrowed(pointer), code, detail: Cow::Owned(detail) }
    }
}
