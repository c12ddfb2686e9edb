//! What is wrong with a configuration, said so that the reader can repair it without looking elsewhere.
//!
//! Each problem names the key, where its value came from, what is wrong and what to do. A secret's value never gets
//! this far: the parsers of secret kinds do not put it into their reasons (`value.rs`).

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `api.listen`; for a file that cannot be read, `PATCHBAY_CONFIG`.
    pub key: String,
    /// The environment variable or file that set it; nothing where nobody did.
    pub set_by: Option<String>,
    /// What is wrong, as the rest of a sentence about the key.
    pub wrong: String,
    /// What to do, as a sentence without its full stop.
    pub fix: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.key)?;
        if let Some(set_by) = &self.set_by {
            write!(out, " (from {set_by})")?;
        }
        write!(out, ": {}; {}", self.wrong, self.fix)
    }
}

/// Everything that is wrong, at least one problem. Its `Display` is a list, one problem a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub(super) Vec<Problem>);

impl ConfigErrors {
    /// The problems, by key.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(out, "the configuration has 1 problem:")?,
            many => write!(out, "the configuration has {many} problems:")?,
        }
        self.0.iter().try_for_each(|problem| write!(out, "\n  - {problem}"))
    }
}

impl std::error::Error for ConfigErrors {}
