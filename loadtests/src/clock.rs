//! The machine's clock. The only outside time that a measurement needs: when it was made, and the ids of its jobs.

use chrono::{DateTime, Utc};

/// Now, by this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "a measurement is about the real time; nothing here is tested at another"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}
