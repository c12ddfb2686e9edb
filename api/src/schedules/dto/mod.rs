//! What schedules look like on the wire.

mod action;
mod preview;
mod schedule;
mod write;

pub use action::{ScheduleAction, actionable};
pub use preview::{SchedulePreview, SchedulePreviewRequest, ScheduleTime};
pub use schedule::{Schedule, ScheduleRun};
pub use write::{ScheduleCreate, SchedulePatch};
