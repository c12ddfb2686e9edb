//! The engine's clock. Leases, deadlines and run times are measured against the real one: Redis and
//! PostgreSQL use theirs for everything that two machines have to agree on.

use chrono::{DateTime, Utc};

/// Now, by this machine.
#[expect(clippy::disallowed_methods, reason = "the one place of the engine that reads the machine's clock")]
#[must_use]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}
