//! Jobs that wait for jobs and groups to end.
//!
//! Each tie is a row (`queue.dependencies`), and a job with ties is `held`. When something that has dependents ends, a
//! trigger notes it in the statement that wrote the end (`queue.ended_targets`), and [`pass_on`] unties whoever waited:
//! the worker calls it at once, the keeper in every tick, so a crash in between delays a release and loses none. A call
//! unties a bounded number, so that a million jobs after one are let go in steps.
//!
//! Over *well* is succeeded, cancelled or discarded. A dead letter holds up those who did not ask for any end.
//! A tie is made under the lock of what it is tied to: the end either comes after it, and sees it, or before, and the
//! job is free from the start. A job that was cancelled while it was tied itself counts as over only when its ties are
//! gone, so that cancelling in the middle of a chain does not let the rest run ahead.
//! Jobs that name each other in a circle are refused ([`Circle`](super::Circle)); they can only be of one batch.
//! How to break it: let a group wait for itself, by a member that waits for a job which waits for the group. Nobody
//! looks for these; `not_after` or a cancel ends one.
//! Rejected: a count of open ties in the job's row (a second truth, wrong after any crash), and looking for the free
//! ones by a scan (the probe must cost nothing when there is nothing to do).

use std::collections::{HashMap, HashSet};

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Int4, Int8, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::hold;
use super::insert::distinct;
use super::row::{JobRow, job_row_columns};
use crate::sql::statement;
use crate::{After, Hold, NewJob};

/// The jobs and groups that a batch speaks of, locked and looked at; and the ties that come of it.
#[derive(Default)]
pub(super) struct Targets {
    jobs: HashMap<(Uuid, Uuid), Seen>,
    groups: HashMap<(Uuid, Uuid), Group>,
    /// Rows that this batch makes.
    fresh: HashSet<(Uuid, Uuid)>,
    ties: Vec<(Uuid, Uuid, After)>,
    waited_for: HashSet<(Uuid, Uuid)>,
}

#[derive(QueryableByName)]
struct Seen {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
}

#[derive(QueryableByName)]
struct Group {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    ended: bool,
    #[diesel(sql_type = Int8)]
    failed: i64,
}

#[derive(QueryableByName)]
struct Pair {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Whether a job in this state may still run by itself or by a release.
pub(super) fn is_pending(state: &str) -> bool {
    matches!(state, "scheduled" | "waiting" | "held")
}

/// The jobs that jobs of the batch are to wait for.
pub(super) fn named(jobs: &[NewJob]) -> Vec<(Uuid, Uuid)> {
    afters(jobs).filter(|(_, after)| !after.group).map(|(tenant, after)| (tenant, after.on)).collect()
}

fn afters(jobs: &[NewJob]) -> impl Iterator<Item = (Uuid, &After)> {
    jobs.iter()
        .filter_map(|job| Some((job.tenant_id, job.flow.as_ref()?)))
        .flat_map(|(tenant, flow)| flow.after.iter().map(move |after| (tenant, after)))
}

// A group that is not there is made here: it is neither sealed nor ended. (So a tie to a group without a row is one to
// a group that was forgotten after the tie was made.)
const SEE_GROUPS: &str = "
INSERT INTO queue.groups AS g (tenant_id, id, has_dependents)
SELECT n.tenant_id, n.id, true FROM unnest($1, $2) AS n (tenant_id, id) ORDER BY n.id
ON CONFLICT (tenant_id, id) DO UPDATE SET has_dependents = true
RETURNING g.tenant_id, g.id, g.ended_at IS NOT NULL AS ended, g.failed";

const LOCK: &str = "
SELECT j.tenant_id, j.id, j.state FROM unnest($1, $2) AS n (tenant_id, id)
JOIN queue.jobs j ON j.tenant_id = n.tenant_id AND j.id = n.id
ORDER BY j.id FOR NO KEY UPDATE OF j";

// A statement of its own: it has to see what was committed while the lock was waited for.
const TIED: &str = "
SELECT n.tenant_id, n.id FROM unnest($1, $2) AS n (tenant_id, id)
WHERE EXISTS (SELECT FROM queue.dependencies d WHERE d.tenant_id = n.tenant_id AND d.job_id = n.id)";

impl Targets {
    pub(super) async fn see_groups(&mut self, conn: &mut AsyncPgConnection, jobs: &[NewJob]) -> QueryResult<()> {
        let (tenants, ids) =
            distinct(afters(jobs).filter(|(_, after)| after.group).map(|(tenant, after)| (tenant, after.on)));
        if ids.is_empty() {
            return Ok(());
        }
        let rows: Vec<Group> =
            statement(SEE_GROUPS).bind::<Array<SqlUuid>, _>(tenants).bind::<Array<SqlUuid>, _>(ids).load(conn).await?;
        self.groups = rows.into_iter().map(|row| ((row.tenant_id, row.id), row)).collect();
        Ok(())
    }

    /// Locks the jobs until the commit, and sees which of them are over.
    pub(super) async fn lock(
        &mut self,
        conn: &mut AsyncPgConnection,
        jobs: impl IntoIterator<Item = (Uuid, Uuid)>,
    ) -> QueryResult<()> {
        let (tenants, ids) = distinct(jobs);
        if ids.is_empty() {
            return Ok(());
        }
        let mut seen: Vec<Seen> =
            statement(LOCK).bind::<Array<SqlUuid>, _>(tenants).bind::<Array<SqlUuid>, _>(ids).load(conn).await?;
        let over: Vec<&Seen> = seen.iter().filter(|job| !is_pending(&job.state)).collect();
        if !over.is_empty() {
            let tied: Vec<Pair> = statement(TIED)
                .bind::<Array<SqlUuid>, _>(over.iter().map(|job| job.tenant_id).collect::<Vec<_>>())
                .bind::<Array<SqlUuid>, _>(over.iter().map(|job| job.id).collect::<Vec<_>>())
                .load(conn)
                .await?;
            let tied: HashSet<(Uuid, Uuid)> = tied.into_iter().map(|pair| (pair.tenant_id, pair.id)).collect();
            for job in seen.iter_mut().filter(|job| tied.contains(&(job.tenant_id, job.id))) {
                "tied".clone_into(&mut job.state);
            }
        }
        self.jobs = seen.into_iter().map(|job| ((job.tenant_id, job.id), job)).collect();
        Ok(())
    }

    /// What a locked job is at; `None`: there is none, or it was not asked for.
    pub(super) fn state(&self, tenant: Uuid, id: Uuid) -> Option<&str> {
        self.jobs.get(&(tenant, id)).map(|job| job.state.as_str())
    }

    /// The batch makes a row of this job.
    pub(super) fn expect(&mut self, job: &NewJob) {
        self.fresh.insert((job.tenant_id, job.id));
    }

    /// Ties `job` to what it names, to the one `before` it in its order, and to the `holder` of its unique key. Answers
    /// what holds it, if anything does.
    pub(super) fn tie(&mut self, job: &NewJob, before: Option<Uuid>, holder: Option<Uuid>) -> Option<Hold> {
        let named = job.flow.iter().flat_map(|flow| flow.after.iter().copied());
        let before = before.map(|on| After { on, group: false, any_end: false });
        let holder = holder.map(|on| After { on, group: false, any_end: true });
        let reason = |after: &After| match (after, before, holder) {
            (after, Some(before), _) if *after == before => "runs in order, after the job before it",
            (after, _, Some(holder)) if *after == holder => "runs when the job that has its unique key has ended",
            (After { group: true, .. }, ..) => "waits for a group of jobs",
            _ => "waits for another job",
        };
        let mut held = None;
        for after in named.chain(before).chain(holder) {
            if after.on == job.id || self.is_over(job.tenant_id, after) {
                continue;
            }
            held.get_or_insert_with(|| Hold { by: hold::DEPENDENCY.to_owned(), reason: reason(&after).to_owned() });
            self.ties.push((job.tenant_id, job.id, after));
            if !after.group {
                self.waited_for.insert((job.tenant_id, after.on));
            }
        }
        held
    }

    fn is_over(&self, tenant: Uuid, after: After) -> bool {
        let target = (tenant, after.on);
        if after.group {
            return self.groups.get(&target).is_some_and(|group| group.ended && (group.failed == 0 || after.any_end));
        }
        match self.jobs.get(&target).map(|job| job.state.as_str()) {
            Some("succeeded" | "cancelled" | "discarded") => true,
            Some("dead") => after.any_end,
            Some(_) => false,
            None => !self.fresh.contains(&target),
        }
    }

    pub(super) fn is_waited_for(&self, job: &NewJob) -> bool {
        self.waited_for.contains(&(job.tenant_id, job.id))
    }

    pub(super) async fn write(self, conn: &mut AsyncPgConnection) -> QueryResult<()> {
        if self.ties.is_empty() {
            return Ok(());
        }
        // Named twice, the stricter wish counts.
        statement(
            "INSERT INTO queue.dependencies (tenant_id, job_id, on_id, on_group, any_end)
             SELECT n.tenant_id, n.job_id, n.on_id, n.on_group, bool_and(n.any_end)
             FROM unnest($1, $2, $3, $4, $5) AS n (tenant_id, job_id, on_id, on_group, any_end) GROUP BY 1, 2, 3, 4",
        )
        .bind::<Array<SqlUuid>, _>(self.ties.iter().map(|tie| tie.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(self.ties.iter().map(|tie| tie.1).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(self.ties.iter().map(|tie| tie.2.on).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(self.ties.iter().map(|tie| tie.2.group).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(self.ties.iter().map(|tie| tie.2.any_end).collect::<Vec<_>>())
        .execute(conn)
        .await?;
        let (tenants, ids) = distinct(self.waited_for.into_iter().filter(|target| self.jobs.contains_key(target)));
        if ids.is_empty() {
            return Ok(());
        }
        statement(
            "UPDATE queue.jobs j SET has_dependents = true FROM unnest($1, $2) AS n (tenant_id, id)
             WHERE j.tenant_id = n.tenant_id AND j.id = n.id AND j.has_dependents IS NULL",
        )
        .bind::<Array<SqlUuid>, _>(tenants)
        .bind::<Array<SqlUuid>, _>(ids)
        .execute(conn)
        .await
        .map(drop)
    }
}

const PASS_ON: &str = concat!("SELECT ", job_row_columns!(), " FROM queue.pass_on($1) j");

/// Sees to at most `most` jobs and groups that ended: unties those who waited for them, and at most as many in all. An
/// end with more behind it than that is left noted, for the next call; what there is room for is shared equally, among
/// tenants and among their ends.
/// Answers the jobs that are free and due, to be pushed. Any number of processes may do this at once; costs one indexed probe
/// where there is nothing.
///
/// # Errors
/// The database's; nothing was done then.
pub async fn pass_on(conn: &mut AsyncPgConnection, most: i32) -> QueryResult<Vec<JobRow>> {
    statement(PASS_ON).bind::<Int4, _>(most).load(conn).await
}

#[derive(QueryableByName)]
struct Any {
    #[diesel(sql_type = Bool)]
    any: bool,
}

/// Whether anything that ended is still to be seen to.
///
/// # Errors
/// The database's.
pub async fn any_ended(conn: &mut AsyncPgConnection) -> QueryResult<bool> {
    let row: Any = statement(
        "SELECT count(*) > 0 AS any FROM (SELECT id FROM queue.ended_targets ORDER BY tenant_id, id LIMIT 1) e",
    )
    .get_result(conn)
    .await?;
    Ok(row.any)
}

/// Something a held job waits for.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Blocker {
    /// The job or the group.
    #[diesel(sql_type = SqlUuid)]
    pub on_id: Uuid,
    /// Whether it is a group.
    #[diesel(sql_type = Bool)]
    pub on_group: bool,
    /// Whether a dead letter will do.
    #[diesel(sql_type = Bool)]
    pub any_end: bool,
    /// The state of the job; none for a group.
    #[diesel(sql_type = Nullable<Text>)]
    pub state: Option<String>,
    /// Whether the group has ended: it is sealed, and none of its members is pending.
    #[diesel(sql_type = Bool)]
    pub ended: bool,
    /// How many of the group's members are dead letters.
    #[diesel(sql_type = Int8)]
    pub failed: i64,
}

/// What the job `id` of `tenant` waits for, a hundred of it at most.
///
/// # Errors
/// The database's.
pub async fn waits_on(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid) -> QueryResult<Vec<Blocker>> {
    statement(
        "SELECT d.on_id, d.on_group, d.any_end, j.state, g.ended_at IS NOT NULL AS ended,
            coalesce(g.failed, 0) AS failed
         FROM queue.dependencies d
         LEFT JOIN queue.jobs j ON NOT d.on_group AND j.tenant_id = d.tenant_id AND j.id = d.on_id
         LEFT JOIN queue.groups g ON d.on_group AND g.tenant_id = d.tenant_id AND g.id = d.on_id
         WHERE d.tenant_id = $1 AND d.job_id = $2 ORDER BY d.on_id LIMIT 100",
    )
    .bind::<SqlUuid, _>(tenant)
    .bind::<SqlUuid, _>(id)
    .load(conn)
    .await
}

/// A place in the walk over all ties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, QueryableByName)]
pub struct Place {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    on_id: Uuid,
}

const RECHECK: &str = "
WITH page AS (
    SELECT * FROM queue.dependencies WHERE (tenant_id, job_id, on_id) > ($1, $2, $3)
    ORDER BY tenant_id, job_id, on_id LIMIT $4),
noted AS (
    INSERT INTO queue.ended_targets (tenant_id, id, is_group)
    SELECT DISTINCT p.tenant_id, p.on_id, p.on_group FROM page p
    LEFT JOIN queue.jobs j ON j.tenant_id = p.tenant_id AND j.id = p.on_id
    LEFT JOIN queue.groups g ON g.tenant_id = p.tenant_id AND g.id = p.on_id
    WHERE CASE WHEN p.on_group THEN g.id IS NULL OR g.ended_at IS NOT NULL AND (g.failed = 0 OR p.any_end)
        ELSE j.id IS NULL OR j.state IN ('succeeded', 'cancelled', 'discarded') OR j.state = 'dead' AND p.any_end END
    ORDER BY p.tenant_id, p.on_id
    ON CONFLICT (tenant_id, id) DO NOTHING)
SELECT tenant_id, job_id, on_id FROM page ORDER BY tenant_id DESC, job_id DESC, on_id DESC LIMIT 1";

/// Looks at the next `limit` ties from `from` on, and notes what is over among their targets. Answers where the next
/// look begins. The belt to the trigger's braces: what ended in ways that no trigger saw (a job that retention dropped)
/// is found by walking over all ties, a page at a time.
///
/// # Errors
/// The database's.
pub async fn recheck(conn: &mut AsyncPgConnection, from: Place, limit: i64) -> QueryResult<Place> {
    let rows: Vec<Place> = statement(RECHECK)
        .bind::<SqlUuid, _>(from.tenant_id)
        .bind::<SqlUuid, _>(from.job_id)
        .bind::<SqlUuid, _>(from.on_id)
        .bind::<Int8, _>(limit)
        .load(conn)
        .await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}
