//! `schedules.run`: does what a tenant's schedule says, for one tick.
//!
//! The tick only makes this job, in one transaction with the schedule's step forward; what is to be done is read, and judged
//! by the same rules as a call of the API, when the job runs. It names the schedule and does not hold its action, so
//! that a change reaches ticks that wait already.

use std::time::Duration;

use chrono::{DateTime, Utc};
use patchbay_db::ids::ScheduleId;
use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

/// Does what a schedule says, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSchedule {
    /// Which schedule.
    pub schedule_id: ScheduleId,
    /// The tick it is for; none where somebody asked for a run.
    pub tick: Option<DateTime<Utc>>,
}

impl Job for RunSchedule {
    const KIND: &'static str = "schedules.run";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "schedules";
    // Its effects are rows: an error is the database's, or stands until somebody changes something.
    const POLICY: Policy = Policy { backoff: Duration::from_millis(500), ..Policy::DEFAULT };
}
