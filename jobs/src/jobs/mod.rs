//! Work on other jobs: many dead letters at a pace, which a request is too short for.
//!
//! Both kinds carry what was asked for and nothing that was found: which dead letters there are is read slice by slice,
//! so that a run that is repeated after a crash goes on with what is left. What they have done is their progress, written
//! with each slice.
//!
//! Such a job is a tenant's, over its own dead letters, or the installation's, over everybody's: only a job of
//! [`SYSTEM_TENANT`](patchbay_queue::SYSTEM_TENANT) that says so (`of_all`) reaches further than its own tenant.

use chrono::{DateTime, Utc};
use patchbay_db::ids::{JobGroupId, JobId};
use serde::{Deserialize, Serialize};

pub mod discard;
pub mod redrive;

pub use discard::DiscardDead;
pub use redrive::RedriveDead;

/// Dead letters: those that meet all that is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Everybody's, in a job of the installation's; without it, those of the job's own tenant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_all: bool,
    /// Only these; any where empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<JobId>,
    /// In this queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// In this lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// In this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<JobGroupId>,
    /// About this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// With this class of error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_class: Option<String>,
    /// With this error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// That gave up at this instant or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_from: Option<DateTime<Utc>>,
    /// That gave up before this instant: never later than the making of the job, so that what dies again is not taken
    /// up again.
    pub failed_before: DateTime<Utc>,
}
