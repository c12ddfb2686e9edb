//! `/v1/queues`: where jobs wait. A tenant's key sees and stops its own share, the system key all of it.

mod caller;
mod decide;
mod dto;
mod get;
mod lane_dto;
mod lanes;
mod list;
mod pause;
mod resume;
mod set_limit;

crate::scope!(
    /// May read queues and lanes.
    pub Read = "queues:read"
);
crate::scope!(
    /// May pause, resume and slow down.
    pub Write = "queues:write"
);

/// The operations of this resource.
pub type Operations = (list::List, get::Get, lanes::Lanes, pause::Pause, resume::Resume, set_limit::SetLimit);
