//! The time at the terminal.

use chrono::{DateTime, Utc};

/// Now, as the machine has it. Ages on the screen and arguments such as `2h` are counted from it; nothing is decided by it.
#[expect(clippy::disallowed_methods, reason = "a person reads the time at this machine; the API decides by its own")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
