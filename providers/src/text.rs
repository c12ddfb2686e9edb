//! What a person wrote, kept out of logs by its type.
//!
//! A message body is private, but it must be stored and sent, so it is not a secret in memory: a wrapper whose `Debug`
//! shows only the length is enough, and it cannot be forgotten the way a "do not log this" rule can.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The text of a message. `Debug` shows its length only; there is no `Display`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Text(String);

impl Text {
    /// The text itself, to send or to store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text itself up.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_text() {
        assert_eq!(format!("{:?}", Text::from("your code is 123456")), "Text(19 characters)");
    }
}
