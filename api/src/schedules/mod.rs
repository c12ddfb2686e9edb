//! `/v1/schedules`: what happens at set times. A tenant's key sees its own, the system key everybody's and the program's.

mod audited;
mod create;
mod delete;
mod dto;
mod faults;
mod get;
mod list;
mod patch;
mod pause;
mod preview;
mod resume;
mod run;

crate::scope!(
    /// May read schedules and preview rules.
    pub Read = "schedules:read"
);
crate::scope!(
    /// May make, change, pause, run and delete schedules.
    pub Write = "schedules:write"
);

/// The operations of this resource.
pub type Operations = (
    create::Create,
    list::List,
    preview::Preview,
    get::Get,
    patch::Patch,
    delete::Delete,
    pause::Pause,
    resume::Resume,
    run::Run,
);
