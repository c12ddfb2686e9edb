//! A question before what cannot be undone.
//!
//! Asked on a terminal only: a script that forgot `--yes` must fail at once, not wait for somebody to type.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::{context::Context, failure::Failure};

/// Whether to go on.
///
/// # Errors
/// There is nobody to ask, or the answer was no.
pub fn confirm(context: &Context, question: &str) -> Result<(), Failure> {
    if context.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::Usage(format!("{question} There is nobody to ask here: say --yes")));
    }
    let _ = write!(io::stderr().lock(), "{question} [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::Declined)
}
