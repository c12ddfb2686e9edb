//! What a worker and the observer say to each other.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A run begins.
#[derive(Debug, Serialize, Deserialize)]
pub struct Begin {
    /// The job.
    pub job: Uuid,
    /// Whose.
    pub tenant: Uuid,
    /// Its kind.
    pub kind: String,
    /// Its lane.
    pub lane: String,
    /// The process that runs it.
    pub worker: String,
}

/// What the observer answers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Begun {
    /// The run's number, for [`Ended`] and the effect.
    pub run: usize,
    /// What is to be done.
    pub then: Then,
}

/// What a run is to do, by what is known of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Then {
    /// Nobody tried it, or whoever did cannot have reached us any more: the intent is noted, do it.
    Do,
    /// It was done: look no further.
    Done,
    /// Somebody tried it a moment ago and may yet succeed: ask again in so many milliseconds.
    Wait(u64),
}

/// The effect of a run, or its end.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ended {
    /// The run.
    pub run: usize,
}
