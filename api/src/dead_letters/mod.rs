//! `/v1/dead_letters`: jobs that gave up. They are jobs, so the scopes are those of jobs.

mod count;
mod discard;
mod discard_job;
mod dto;
mod export;
mod get;
mod list;
mod paced;
mod redrive;
mod redrive_job;
mod selection;

/// The operations of this resource.
pub type Operations = (
    list::List,
    count::Count,
    export::ExportAll,
    get::Get,
    redrive::Redrive,
    redrive_job::RedriveJob,
    discard::Discard,
    discard_job::DiscardJob,
);
