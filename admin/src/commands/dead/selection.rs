//! Which dead letters something is done to: by id, or all that match. Shared by `redrive` and `discard`.

use clap::Args;

use super::matching::Matching;
use crate::{client::types, context::Context, failure::Failure};

/// The most that the API does at once; more are a job's work.
const AT_ONCE: u32 = 1_000;

/// Which to do something to, and how fast.
#[derive(Debug, Clone, Args)]
pub struct Selection {
    /// These; left out where they are chosen by what they have in common.
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    #[command(flatten)]
    pub matching: Matching,
    /// All of the tenant's, or everybody's for the system key without --tenant. Without this, something must say which.
    #[arg(long)]
    pub all: bool,
    /// How many of those that match at most, those that gave up first at the front.
    #[arg(long, default_value_t = AT_ONCE, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// So many a second, done by a job that can be watched and cancelled. More than 1,000 are always done by a job.
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub pace: Option<u32>,
    /// Only count them.
    #[arg(long)]
    pub dry_run: bool,
}

impl Selection {
    /// Whether they are chosen by what they have in common, and so must be counted first.
    ///
    /// # Errors
    /// It says nothing, or both.
    pub fn is_by_match(&self) -> Result<bool, Failure> {
        let chosen = self.all || !self.matching.is_empty();
        match (self.ids.is_empty(), chosen) {
            (true, true) => Ok(true),
            (false, false) => Ok(false),
            (true, false) => Err(usage("which? Give ids, say what they have in common, or --all")),
            (false, true) => Err(usage("either ids, or what they have in common")),
        }
    }

    /// Whether a job does it.
    pub fn is_a_jobs_work(&self) -> bool {
        self.pace.is_some() || self.limit > AT_ONCE
    }

    /// What the API does at once.
    pub fn at_once(&self, context: &Context, dry_run: bool) -> types::DeadLetterSelection {
        types::DeadLetterSelection {
            ids: self.some_ids(),
            filter: self.some_filter(),
            limit: Some(self.limit.min(AT_ONCE)),
            dry_run: Some(dry_run),
            tenant_id: context.tenant.clone(),
        }
    }

    /// What a job is to do.
    pub fn of_a_job(&self, context: &Context) -> types::DeadLetterJobCreate {
        types::DeadLetterJobCreate {
            ids: self.some_ids(),
            filter: self.some_filter(),
            limit: Some(self.limit),
            per_second: self.pace,
            tenant_id: context.tenant.clone(),
        }
    }

    fn some_ids(&self) -> Option<Vec<String>> {
        (!self.ids.is_empty()).then(|| self.ids.clone())
    }

    fn some_filter(&self) -> Option<types::DeadLetterFilter> {
        self.ids.is_empty().then(|| self.matching.filter())
    }
}

fn usage(what: &str) -> Failure {
    Failure::Usage(what.to_owned())
}
