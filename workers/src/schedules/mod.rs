//! The handlers of the jobs about schedules.

mod run;

pub use run::ScheduleRunner;
