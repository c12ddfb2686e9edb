//! Which dead letters a bulk call is about.

use patchbay_db::{
    Tx,
    ids::{JobId, TenantId},
};
use patchbay_domain::jobs::dead_letters;

use serde_json::json;

use super::dto::{DeadLetterResult, DeadLetterSelection};
use crate::{
    http::{Caller, Handled, Id, Problem},
    jobs::Write,
};

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
    let DeadLetterSelection { ids, filter, limit, dry_run, .. } = selection;
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

/// Notes that `action` was done to `done`, in the same transaction: one entry for the call, with every id it changed;
/// nothing where nothing was changed.
pub(super) async fn note(
    tx: &mut Tx,
    call: &Caller<Write>,
    tenant: TenantId,
    action: &'static str,
    done: &[JobId],
) -> Handled<()> {
    let Some(first) = done.first() else { return Ok(()) };
    let ids: Vec<String> = done.iter().map(ToString::to_string).collect();
    let subject = if done.len() == 1 { first.to_string() } else { "dead_letters".to_owned() };
    let detail = json!({ "count": done.len(), "ids": ids });
    Ok(call.audit(tx, Some(tenant), action, subject, detail).await?)
}
