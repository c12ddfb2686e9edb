//! The stored answers of POSTs, by tenant, operation and idempotency key.
//!
//! The rules of replaying are HTTP's and stand in the API (`api/src/http/idempotency.rs`); here is only how an answer is
//! kept: in the transaction that made the record, under a lock for that transaction's life. The primary key stops
//! whatever the lock let through, because a statement's snapshot can be older than the lock it takes.

mod store;

pub use store::{Answer, Slot, Taken, keep, take};
