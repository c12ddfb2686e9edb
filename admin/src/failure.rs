//! How a command can fail, and with which code the program then ends.
//!
//! Scripts branch on the code: 1 means that asking again will not help, 3 that it may.

use std::process::ExitCode;

use serde_json::json;

use crate::refusal::Refusal;

/// Why there is no result.
#[derive(Debug)]
pub enum Failure {
    /// The API said no.
    Refused(Box<Refusal>),
    /// The arguments do not fit together.
    Usage(String),
    /// The person said no.
    Declined,
    /// There is nobody at that address, or the answer did not arrive.
    Unreachable(String),
    /// An answer that makes no sense.
    Strange(String),
}

impl Failure {
    /// A call that did not come through.
    pub fn unreachable(url: &str, error: &reqwest::Error) -> Self {
        let what = if error.is_timeout() { "did not answer in time" } else { "cannot be reached" };
        Self::Unreachable(format!("{url} {what}: {}", innermost(error)))
    }

    /// Whether the same call may come through a moment later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused(refusal) => refusal.is_passing(),
            Self::Usage(_) | Self::Declined | Self::Strange(_) => false,
        }
    }

    /// What the program ends with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(_) | Self::Strange(_) => 1,
            Self::Usage(_) | Self::Declined => 2,
            Self::Unreachable(_) => 3,
        })
    }

    /// For standard error: lines for a person, or one line of JSON.
    pub fn told(&self, as_json: bool) -> String {
        match self {
            Self::Refused(refusal) if as_json => refusal.json.to_string(),
            Self::Refused(refusal) => refusal.told(),
            Self::Usage(what) => told(as_json, "usage", what, "Next: `--help` shows what a command takes."),
            Self::Declined => "Nothing was changed.".to_owned(),
            Self::Unreachable(what) => {
                told(as_json, "unreachable", what, "Next: check --url (or PATCHBAY_URL), and that the API runs there.")
            }
            Self::Strange(what) => {
                told(as_json, "not_understood", what, "Next: check --url, and that program and API are of one version.")
            }
        }
    }
}

fn told(as_json: bool, code: &str, what: &str, next: &str) -> String {
    if as_json { json!({ "code": code, "detail": what }).to_string() } else { format!("error: {what}\n{next}") }
}

/// The cause that says most: `Connection refused (os error 111)` rather than `error sending request`.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
