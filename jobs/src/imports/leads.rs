//! `imports.leads`: reads an uploaded file and writes its contacts and leads.
//!
//! The payload names the import and nothing else: mapping and options are kept with it, where a person can see
//! what was decided, and how far it has come is counted there too, so that a repeated run goes on where the last
//! one stopped.

use std::time::Duration;

use patchbay_db::ids::ImportId;
use patchbay_queue::{Job, Policy};
use serde::{Deserialize, Serialize};

/// Runs one import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportLeads {
    /// Which.
    pub import_id: ImportId,
}

impl Job for ImportLeads {
    const KIND: &'static str = "imports.leads";
    const VERSION: i16 = 1;
    const QUEUE: &'static str = "imports";
    // The largest file (256 MiB, some millions of rows) takes minutes; an hour is a hang.
    const POLICY: Policy = Policy { timeout: Duration::from_secs(60 * 60), ..Policy::DEFAULT };
}
