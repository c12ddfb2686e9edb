//! Which dead letters a bulk call is about.

use patchbay_db::{Tx, ids::JobId};
use patchbay_domain::jobs::dead_letters;

use super::dto::{DeadLetterResult, DeadLetterSelection};
use crate::http::{Handled, Id, Problem};

/// The dead letters that were found, and the rest of the answer.
pub(super) struct Selected {
    /// They are dead letters at this moment; another call may be faster.
    pub(super) ids: Vec<JobId>,
    asked: Vec<JobId>,
    has_more: bool,
    dry_run: bool,
}

/// Dead letters that one unit of the caller's rate limits pays for.
const PER_UNIT: usize = 100;

/// What a call costs beyond the unit of every call.
pub(super) fn units(selection: &DeadLetterSelection) -> u32 {
    let most = selection.ids.as_ref().map_or(selection.limit as usize, Vec::len);
    u32::try_from(most / PER_UNIT).unwrap_or(u32::MAX)
}

/// Finds what `selection` asks for.
pub(super) async fn find(tx: &mut Tx, selection: DeadLetterSelection) -> Handled<Selected> {
    let DeadLetterSelection { ids, filter, limit, dry_run } = selection;
    match (ids, filter) {
        (Some(ids), None) => {
            let asked: Vec<JobId> = ids.into_iter().map(|id| id.0).collect();
            let ids = dead_letters::dead_among(tx, &asked).await?;
            Ok(Selected { ids, asked, has_more: false, dry_run })
        }
        (None, Some(filter)) => {
            let limit = limit as usize;
            let wanted = i64::try_from(limit).map_err(Problem::internal)? + 1;
            let mut ids = dead_letters::pick(tx, filter.into(), wanted).await?;
            let has_more = ids.len() > limit;
            ids.truncate(limit);
            Ok(Selected { ids, asked: Vec::new(), has_more, dry_run })
        }
        _ => Err(Problem::refused("", "ids_or_filter", "Give either ids or filter.").into()),
    }
}

impl Selected {
    /// Whether nothing is to be changed.
    pub(super) const fn is_dry(&self) -> bool {
        self.dry_run
    }

    /// The answer, after it was done to `done`.
    pub(super) fn result(self, done: Vec<JobId>) -> DeadLetterResult {
        let skipped = self.asked.into_iter().filter(|id| !done.contains(id)).map(Id).collect();
        DeadLetterResult {
            count: u32::try_from(done.len()).unwrap_or(u32::MAX),
            ids: done.into_iter().map(Id).collect(),
            skipped,
            has_more: self.has_more,
            dry_run: self.dry_run,
        }
    }
}
