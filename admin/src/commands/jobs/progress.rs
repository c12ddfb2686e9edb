//! How far a job has come, in words.

use crate::{client::types::JobProgress, screen::words};

/// `190 of 500`; nothing for a job that is one piece.
pub fn short(progress: &JobProgress) -> String {
    if progress.total < 2 {
        return String::new();
    }
    format!("{} of {}", words::count(progress.processed), words::count(progress.total))
}

/// With what came out.
pub fn long(progress: &JobProgress) -> String {
    let mut text = short(progress);
    let parts = [
        ("succeeded", progress.succeeded),
        ("failed", progress.failed),
        ("skipped", progress.skipped),
        ("held", progress.held),
    ];
    for (name, number) in parts.into_iter().filter(|(_, number)| *number > 0) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&format!("{} {name}", words::count(number)));
    }
    text
}
