//! Doing something to a selection of dead letters at once: which they are, the deed, its entries in the audit log, and the
//! answer. One statement each, however many tenants they belong to.

use diesel_async::AsyncPgConnection;
use patchbay_db::{
    Unit,
    ids::{JobId, TenantId},
};
use patchbay_domain::jobs::{
    dead_keys::{self, Key},
    noted,
    pace::Deed,
};

use super::dto::{DeadLetterResult, DeadLetterSelection};
use crate::{
    http::{BatchBody, Caller, Done, Handled, Id, Problem, Written, idempotency::Once},
    jobs::Write,
};

/// Dead letters that one unit of the caller's rate limits pays for.
const PER_UNIT: usize = 100;

/// Carries out `deed` on what `body` selects, in a transaction of the tenant that is meant or over all of them.
pub(super) async fn carry_out(
    call: &Caller<Write>,
    deed: Deed,
    body: BatchBody<DeadLetterSelection>,
) -> Written<Done<DeadLetterResult>> {
    let digest = body.digest();
    let selection = body.into_inner();
    call.charge(units(&selection))?;
    match call.whose(selection.tenant_id)? {
        Some(tenant) => {
            let tx = call.begin_once_of(tenant, digest).await?;
            carry_out_in(tx, call, deed, Some(tenant), selection).await
        }
        None => {
            let tx = call.begin_once_of_all("the operator acts on everybody's dead letters", digest).await?;
            carry_out_in(tx, call, deed, None, selection).await
        }
    }
}

async fn carry_out_in<T: Unit>(
    mut tx: Once<T>,
    call: &Caller<Write>,
    deed: Deed,
    whose: Option<TenantId>,
    selection: DeadLetterSelection,
) -> Written<Done<DeadLetterResult>> {
    let selected = find(&mut tx, whose, selection).await?;
    if selected.dry_run {
        let would = selected.jobs.clone();
        return tx.finish(Done(selected.result(would))).await;
    }
    let done = deed.carry_out(&mut *tx, &selected.jobs).await?;
    noted::by_call(&mut tx, &call.cause(), deed, &call.actor(), &done).await?;
    tx.finish(Done(selected.result(done))).await
}

/// What a call costs beyond the unit of every call.
fn units(selection: &DeadLetterSelection) -> u32 {
    let most = selection.ids.as_ref().map_or(selection.limit as usize, Vec::len);
    u32::try_from(most / PER_UNIT).unwrap_or(u32::MAX)
}

/// The dead letters that were found, and the rest of the answer.
struct Selected {
    /// Whose, and which. They are dead letters at this moment; another call may be faster.
    jobs: Vec<(TenantId, JobId)>,
    asked: Vec<JobId>,
    has_more: bool,
    dry_run: bool,
}

/// Finds what `selection` asks for.
async fn find(
    conn: &mut AsyncPgConnection,
    whose: Option<TenantId>,
    selection: DeadLetterSelection,
) -> Handled<Selected> {
    let DeadLetterSelection { ids, filter, limit, dry_run, .. } = selection;
    let jobs = |keys: Vec<Key>| keys.iter().map(Key::job).collect();
    match (ids, filter) {
        (Some(ids), None) => {
            let asked: Vec<JobId> = ids.into_iter().map(|id| id.0).collect();
            let most = i64::try_from(asked.len()).map_err(Problem::internal)?;
            let found = dead_keys::among(conn, whose, &asked, None, None, most).await?;
            Ok(Selected { jobs: jobs(found), asked, has_more: false, dry_run })
        }
        (None, Some(filter)) => {
            let mut found = dead_keys::next(conn, whose, &filter.into(), None, i64::from(limit) + 1).await?;
            let has_more = found.len() > limit as usize;
            found.truncate(limit as usize);
            Ok(Selected { jobs: jobs(found), asked: Vec::new(), has_more, dry_run })
        }
        _ => Err(Problem::refused("", "ids_or_filter", "Give either ids or filter.").into()),
    }
}

impl Selected {
    /// The answer, after it was done to `done`.
    fn result(self, done: Vec<(TenantId, JobId)>) -> DeadLetterResult {
        let done: Vec<JobId> = done.into_iter().map(|(_, id)| id).collect();
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
