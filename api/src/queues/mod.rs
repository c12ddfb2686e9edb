//! `/v1/queues`: where jobs wait. A tenant's key sees and stops its own share, the system key all of it.

mod clear_limit;
mod decide;
mod drain;
mod dto;
mod get;
mod hours_dto;
mod key;
mod lane_dto;
mod lanes;
mod limit_dto;
mod limits;
mod list;
mod pause;
mod resume;
mod set_limit;
mod tenants;

crate::scope!(
    /// May read queues, lanes, limits, and the workers that run its jobs.
    pub Read = "queues:read"
);
crate::scope!(
    /// May pause, resume and limit.
    pub Write = "queues:write"
);

/// The operations of this resource.
pub type Operations = (
    list::List,
    get::Get,
    lanes::Lanes,
    tenants::Tenants,
    limits::Limits,
    pause::Pause,
    drain::Drain,
    resume::Resume,
    set_limit::SetLimit,
    clear_limit::ClearLimit,
);
