//! Pauses and limits as people set them; the keeper copies them to Redis, and so may whoever decides. And what providers
//! stopped, which is Redis' to know, in case that one is emptied.

mod changes;
mod limits;
mod pauses;
mod plans;
mod stops;

pub use changes::{Change, changes, forget};
pub use limits::{all_limits, limit, limits, set_limit, set_rate};
pub use pauses::{Pause, all_pauses, longest_pause, pause, paused_by, paused_kinds, pauses, resume};
pub use plans::{Plan, assign_plan, plan, plan_stands, plans, remove_plan, set_plan};
pub use stops::{forget_stops, note_stops, stops};
