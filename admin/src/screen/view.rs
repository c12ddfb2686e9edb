//! One look: what a command saw, for a person and for a program.

use std::process::ExitCode;

use serde_json::Value;

use super::words;

/// Ended, and not well.
const ENDED_BADLY: u8 = 4;

/// What a command saw or did.
#[derive(Debug)]
pub struct View {
    /// The API's JSON.
    pub json: Value,
    /// The same for a person.
    pub text: String,
    /// A remark for a person, beside the result.
    pub note: Option<String>,
    /// What is watched has come to its end; whether well.
    pub ended: Option<bool>,
}

impl View {
    /// A look at something that goes on.
    pub fn new(json: Value, text: String) -> Self {
        Self { json, text, note: None, ended: None }
    }

    /// With a remark.
    pub fn with_note(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }

    /// What goes to standard output.
    pub fn shown(&self, as_json: bool) -> String {
        // What was written already has neither.
        if as_json && self.json != Value::Null { words::json(&self.json) } else { self.text.clone() }
    }

    /// What the program ends with after this.
    pub fn exit_code(&self) -> ExitCode {
        if self.ended == Some(false) { ExitCode::from(ENDED_BADLY) } else { ExitCode::SUCCESS }
    }
}
