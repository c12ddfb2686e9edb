//! The catalogue of work: one file per kind of job, with its name, version, queue, payload and policy.
//!
//! What a kind does is its handler's (in `workers`), and which change enqueues it is `domain`'s; here is only
//! what both must agree on, and what a payload of an older version still means. A payload names records, it does not
//! hold them: what is true is read when the job runs. (A webhook is not a record but the work itself.)

pub mod imports;
pub mod jobs;
pub mod maintenance;
pub mod messages;
pub mod registry;
pub mod schedules;
pub mod webhook;
