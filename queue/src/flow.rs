//! What a job has to do with other jobs: what it waits for, what it is counted in, who holds it, and what follows where
//! its unique key is taken.
//!
//! Kept apart from the job, behind one pointer that is empty for most: a job that needs none of it pays nothing, in
//! memory, in its row or in its insert.

use chrono::TimeDelta;
use uuid::Uuid;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flow {
    /// The group it is counted in.
    pub group: Option<Uuid>,
    /// What it waits for, all of it.
    pub after: Vec<After>,
    /// The key under which a tenant's jobs run strictly in the order of their acceptance.
    pub order: Option<String>,
    /// Who holds it from the start.
    pub hold: Option<Hold>,
    /// What follows where its unique key is taken.
    pub conflict: Conflict,
    /// How long its unique key stays taken, even past its end.
    pub window: Option<TimeDelta>,
}

/// Something a job waits for; of the same tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// The job or the group. A job that is not there (any more) is over. A group that is not there is one to come, as
    /// who waits for it may come before its first member; one that was forgotten cannot be told from it, and has to be
    /// sealed again.
    pub on: Uuid,
    /// Whether it is a group.
    pub group: bool,
    /// Whether a dead letter will do, too.
    pub any_end: bool,
}

/// Who holds a job, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// For programs: `approval`, `operator`.
    pub by: String,
    /// For people.
    pub reason: String,
}

/// What follows where a job's unique key is taken by a living job (or by its window).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Conflict {
    /// Nothing is enqueued.
    #[default]
    Keep,
    /// The one that lives takes the new payload, priority, times and cost, and a fresh budget. One that runs meanwhile
    /// runs again with them: what it did with the old payload is not its end.
    Replace,
    /// The one that lives runs at the new time, never earlier than it would have (debounce); it keeps its payload.
    PushBack,
    /// The one that lives is left alone; the newest of those that came meanwhile is kept, and runs when it has ended.
    KeepLast,
}
