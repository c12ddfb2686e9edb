//! Writes one batch of rows: contacts, channels, leads, consent, problems and counters in one transaction.
//!
//! The counter `rows_done` is written with the rows it counts. That is what makes an import exact: whatever
//! instant a worker dies at, the next one reads the counter and goes on with the row after it. The import's row is
//! locked first and compared with where this worker believes to be, so that a worker that lost its lease and does
//! not know it can write nothing.
//! Every statement takes a whole batch as arrays; a row by itself costs more in round trips than in work.

mod addresses;
mod contacts;
mod dry;
mod found;
mod leads;
mod lock;
mod problems;
mod updates;

use patchbay_db::ids::ImportId;
use patchbay_db::{DbError, DbResult, Tx};

use super::model::{Counts, ImportState};
use super::options::Dedupe;
use super::plan::{self, Candidate, Plan};
use super::row::{RowOutcome, RowProblem};
use crate::events::Cause;

/// What does not change from batch to batch.
#[derive(Debug, Clone)]
pub struct Target {
    /// The import.
    pub import: ImportId,
    /// What happens to duplicates.
    pub dedupe: Dedupe,
    /// Where consent was given.
    pub consent_source: String,
    /// Whether to count and check only.
    pub dry_run: bool,
}

/// Rows that stand together in the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// How many rows of the file come before it.
    pub done_before: i32,
    /// How many rows it covers.
    pub rows: i32,
    /// The rows that can be written.
    pub candidates: Vec<Candidate>,
    /// The rows that cannot.
    pub problems: Vec<RowProblem>,
}

/// Why a batch was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The import is not running (cancelled, say): nothing more is to be written.
    #[error("the import is {0}")]
    NotRunning(ImportState),
    /// Another worker has gone on from here.
    #[error("the import stands at row {found}, not at {expected}")]
    OutOfStep {
        /// Where this worker believed it to stand.
        expected: i32,
        /// Where it stands.
        found: i32,
    },
    /// The database's.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Writes `batch`; returns the import's counts with it. The caller commits.
///
/// # Errors
/// See [`WriteError`]. A [`DbError::Conflict`] means that somebody made a contact with one of the addresses
/// meanwhile: the same batch succeeds in a new transaction.
pub async fn write_batch(tx: &mut Tx, cause: &Cause<'_>, target: &Target, batch: &Batch) -> Result<Counts, WriteError> {
    let (state, done) = lock::lock(tx, target.import).await?;
    if state != ImportState::Running {
        return Err(WriteError::NotRunning(state));
    }
    if done != batch.done_before {
        return Err(WriteError::OutOfStep { expected: batch.done_before, found: done });
    }
    let mut book = found::lookup(tx, target.import, &batch.candidates).await?;
    if target.dry_run {
        dry::lookup(tx, target.import, &batch.candidates, &mut book).await?;
    }
    let plan = plan::plan(&batch.candidates, &book, target.dedupe);
    if target.dry_run {
        dry::note(tx, cause, target.import, &plan).await?;
    } else {
        write(tx, cause, target, &plan).await?;
    }
    problems::insert(tx, target.import, batch.problems.iter().chain(&plan.problems)).await?;
    Ok(lock::count(tx, target.import, batch.rows, &tally(batch, &plan)).await?)
}

async fn write(tx: &mut Tx, cause: &Cause<'_>, target: &Target, plan: &Plan) -> DbResult<()> {
    let contacts = contacts::insert(tx, cause, target.import, &plan.created).await?;
    updates::apply(tx, cause, target, &plan.updated).await?;
    addresses::insert(tx, cause, target, &contacts, plan).await?;
    leads::insert(tx, cause, target.import, &contacts, &plan.created).await
}

fn tally(batch: &Batch, plan: &Plan) -> Counts {
    let problems = || batch.problems.iter().chain(&plan.problems);
    let count = |of: RowOutcome| number(problems().filter(|problem| problem.outcome == of).count());
    Counts {
        created: number(plan.created.len()),
        updated: number(plan.rows_updated),
        skipped: count(RowOutcome::Skipped),
        failed: count(RowOutcome::Failed),
        ..Counts::default()
    }
}

fn number(rows: usize) -> i32 {
    i32::try_from(rows).expect("a batch has a few thousand rows")
}
