//! The send job's side of the database: claim before the send, record after it, look up in between after a crash.

mod claim;
mod counts;
mod known;
mod record;

pub use claim::{Claim, Claimed, claim, next_segments};
pub use counts::{Counts, counts, failure_of};
pub use known::{Known, known};
pub use record::{Recorded, Report, record};
