//! Groups: many jobs counted as one, cancelled as one, and waited for as one.
//!
//! A member's insert and its end each leave a *delta* in the statement that writes them; the keeper folds the deltas into
//! the group's row, every tick. So no member waits for another, however many there are, and the counts are as true as
//! the members' rows. A group ends when it is sealed and nothing of it is pending; a dead letter that is redriven takes
//! the end back. Rejected: counting in the group's row (every end would wait for it) and counting members when asked (a
//! million rows for one number).
//! A group whose row is gone counts nothing, until a new member makes it anew. What comes of a member that the row does
//! not know (it is older than the row) counts it as one more: deltas always fold, because one that did not would stop
//! the fold for everybody.
//! How to break it: change the state of a member without leaving a delta; add members to a group that is sealed (they
//! count, but whoever waits may have been let go).

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, Int8, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::atomic;
use super::depth::by_index;
use super::view::{JobView, view_columns};
use crate::sql::statement;

/// A group, as of the last fold.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct GroupView {
    /// Whose.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What it is called.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Its members.
    #[diesel(sql_type = Int8)]
    pub total: i64,
    /// Those that ended well.
    #[diesel(sql_type = Int8)]
    pub succeeded: i64,
    /// Those that are dead letters now.
    #[diesel(sql_type = Int8)]
    pub failed: i64,
    /// Those that were cancelled.
    #[diesel(sql_type = Int8)]
    pub cancelled: i64,
    /// Those that were dead letters and were put away.
    #[diesel(sql_type = Int8)]
    pub discarded: i64,
    /// Whether no more members will come.
    #[diesel(sql_type = Bool)]
    pub sealed: bool,
    /// When somebody wanted all of it cancelled.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// When nothing of it was pending any more.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

impl GroupView {
    /// Members that are not over.
    #[must_use]
    pub const fn pending(&self) -> i64 {
        self.total - self.succeeded - self.failed - self.cancelled - self.discarded
    }
}

macro_rules! group_columns {
    () => {
        "tenant_id, id, name, total, succeeded, failed, cancelled, discarded, sealed, cancel_requested_at, ended_at, \
         created_at"
    };
}

/// Makes a group, or names one that has come into being with its first member.
///
/// # Errors
/// The database's.
pub async fn create(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid, name: &str) -> QueryResult<()> {
    statement(
        "INSERT INTO queue.groups (tenant_id, id, name) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id, id) DO UPDATE SET name = excluded.name",
    )
    .bind::<SqlUuid, _>(tenant)
    .bind::<SqlUuid, _>(id)
    .bind::<Text, _>(name)
    .execute(conn)
    .await
    .map(drop)
}

// The empty delta makes the next fold look at the group, behind the deltas of all members that came before.
macro_rules! seal {
    ($also:literal) => {
        concat!(
            "WITH touched AS (INSERT INTO queue.group_deltas (tenant_id, group_id) VALUES ($1, $2))
            INSERT INTO queue.groups AS g (tenant_id, id, sealed",
            $also,
            " RETURNING g.id"
        )
    };
}

const SEAL: &str = seal!(") VALUES ($1, $2, true) ON CONFLICT (tenant_id, id) DO UPDATE SET sealed = true");
const CANCEL: &str = seal!(
    ", cancel_requested_at) VALUES ($1, $2, true, now())
    ON CONFLICT (tenant_id, id) DO UPDATE SET sealed = true,
        cancel_requested_at = coalesce(g.cancel_requested_at, excluded.cancel_requested_at)
    WHERE g.ended_at IS NULL OR g.cancel_requested_at IS NOT NULL"
);

async fn touch(conn: &mut AsyncPgConnection, sql: &'static str, tenant: Uuid, id: Uuid) -> QueryResult<bool> {
    let rows: Vec<super::list::Id> =
        statement(sql).bind::<SqlUuid, _>(tenant).bind::<SqlUuid, _>(id).load(conn).await?;
    Ok(!rows.is_empty())
}

/// Says that no more members will come. To be called after (or in the transaction of) the last member's insert.
///
/// # Errors
/// The database's.
pub async fn seal(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid) -> QueryResult<()> {
    touch(conn, SEAL, tenant, id).await.map(drop)
}

/// Wants all of a group cancelled, and seals it: the keeper cancels what is pending, in batches, and asks what runs to
/// stop. `false`: it has ended already.
///
/// # Errors
/// The database's.
pub async fn request_cancel(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid) -> QueryResult<bool> {
    touch(conn, CANCEL, tenant, id).await
}

/// The group `id` of `tenant`, if the role may see it.
///
/// # Errors
/// The database's.
pub async fn get(conn: &mut AsyncPgConnection, tenant: Uuid, id: Uuid) -> QueryResult<Option<GroupView>> {
    let rows: Vec<GroupView> =
        statement(concat!("SELECT ", group_columns!(), " FROM queue.groups WHERE tenant_id = $1 AND id = $2"))
            .bind::<SqlUuid, _>(tenant)
            .bind::<SqlUuid, _>(id)
            .load(conn)
            .await?;
    Ok(rows.into_iter().next())
}

/// The groups of `tenant` before the id `before`, by id and the highest first.
///
/// # Errors
/// The database's.
pub async fn list(conn: &mut AsyncPgConnection, tenant: Uuid, before: Uuid, limit: i64) -> QueryResult<Vec<GroupView>> {
    statement(concat!(
        "SELECT ",
        group_columns!(),
        " FROM queue.groups WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"
    ))
    .bind::<SqlUuid, _>(tenant)
    .bind::<SqlUuid, _>(before)
    .bind::<Int8, _>(limit)
    .load(conn)
    .await
}

// One walk down the index for each state: the index has the state before the id.
const MEMBERS: &str = concat!(
    "SELECT ",
    view_columns!(),
    " FROM unnest($5) AS s (of_state) CROSS JOIN LATERAL (
        SELECT * FROM queue.jobs j WHERE j.tenant_id = $1 AND j.group_id = $2 AND j.state = s.of_state AND j.id < $3
        ORDER BY j.id DESC LIMIT $4) j
    ORDER BY id DESC LIMIT $4"
);

/// The members of a group before the id `before`, newest first; of one state, or of any.
///
/// # Errors
/// The database's.
pub async fn members(
    conn: &mut AsyncPgConnection,
    tenant: Uuid,
    id: Uuid,
    state: Option<&str>,
    before: Uuid,
    limit: i64,
) -> QueryResult<Vec<JobView>> {
    let all = ["scheduled", "waiting", "held", "succeeded", "dead", "cancelled", "discarded"];
    let states: Vec<&str> = state.map_or_else(|| all.to_vec(), |state| vec![state]);
    statement(MEMBERS)
        .bind::<SqlUuid, _>(tenant)
        .bind::<SqlUuid, _>(id)
        .bind::<SqlUuid, _>(before)
        .bind::<Int8, _>(limit)
        .bind::<diesel::sql_types::Array<Text>, _>(states)
        .load(conn)
        .await
}

#[derive(QueryableByName)]
struct Yes {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

/// Whether there are deltas to fold: one probe.
///
/// # Errors
/// The database's.
pub async fn any_delta(conn: &mut AsyncPgConnection) -> QueryResult<bool> {
    let row: Yes =
        statement("SELECT count(*) > 0 AS yes FROM (SELECT id FROM queue.group_deltas ORDER BY id LIMIT 1) first")
            .get_result(conn)
            .await?;
    Ok(row.yes)
}

// Groups that come into being with their first member. What is said of one that is gone, and brings none, makes none.
const BORN: &str = "
INSERT INTO queue.groups (tenant_id, id)
SELECT DISTINCT d.tenant_id, d.group_id
FROM (SELECT tenant_id, group_id, total FROM queue.group_deltas ORDER BY id LIMIT $1) d
WHERE d.total > 0 AND NOT EXISTS (SELECT FROM queue.groups g WHERE g.tenant_id = d.tenant_id AND g.id = d.group_id)
ORDER BY 1, 2 ON CONFLICT DO NOTHING";

// A group that somebody has in hand keeps its deltas for the next fold, and so does one that is gone and has a new
// member by now; other deltas of groups that are gone are dropped. Fewer than no dead letters: members came back, or
// were put away, that the row does not know. And the total is never less than what became of its parts.
const FOLD: &str = "
WITH batch AS (SELECT * FROM queue.group_deltas ORDER BY id LIMIT $1),
named AS (SELECT tenant_id, group_id, max(total) AS brought FROM batch GROUP BY tenant_id, group_id),
mine AS (
    SELECT g.tenant_id, g.id, g.total, g.succeeded, g.failed, g.cancelled, g.discarded
    FROM named n JOIN queue.groups g ON g.tenant_id = n.tenant_id AND g.id = n.group_id
    FOR NO KEY UPDATE OF g SKIP LOCKED),
dropped AS (
    DELETE FROM queue.group_deltas d USING batch b, named n
    WHERE d.id = b.id AND b.tenant_id = n.tenant_id AND b.group_id = n.group_id AND n.brought = 0
        AND NOT EXISTS (SELECT FROM queue.groups g WHERE g.tenant_id = n.tenant_id AND g.id = n.group_id)
    RETURNING d.id),
gone AS (
    DELETE FROM queue.group_deltas d USING batch b, mine m
    WHERE d.id = b.id AND b.tenant_id = m.tenant_id AND b.group_id = m.id RETURNING d.*),
sums AS (
    SELECT tenant_id, group_id, sum(total) AS total, sum(succeeded) AS succeeded, sum(failed) AS failed,
        sum(cancelled) AS cancelled, sum(discarded) AS discarded
    FROM gone GROUP BY tenant_id, group_id),
counts AS (
    SELECT m.tenant_id, m.id, m.total + s.total - least(m.failed + s.failed, 0) AS total,
        m.succeeded + s.succeeded AS succeeded, greatest(m.failed + s.failed, 0) AS failed,
        m.cancelled + s.cancelled AS cancelled, m.discarded + s.discarded AS discarded
    FROM mine m JOIN sums s ON s.tenant_id = m.tenant_id AND s.group_id = m.id),
folded AS (
    UPDATE queue.groups g SET total = greatest(c.total, c.succeeded + c.failed + c.cancelled + c.discarded),
        succeeded = c.succeeded, failed = c.failed, cancelled = c.cancelled, discarded = c.discarded,
        ended_at = CASE WHEN g.sealed AND c.total <= c.succeeded + c.failed + c.cancelled + c.discarded
            THEN coalesce(g.ended_at, now()) END
    FROM counts c WHERE g.tenant_id = c.tenant_id AND g.id = c.id
    RETURNING g.tenant_id, g.id, g.has_dependents AND g.ended_at IS NOT NULL AS passes),
passed AS (
    INSERT INTO queue.ended_targets (tenant_id, id, is_group)
    SELECT tenant_id, id, true FROM folded WHERE passes ORDER BY tenant_id, id
    ON CONFLICT (tenant_id, id) DO UPDATE SET is_group = true)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM dropped) AS count";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Int8)]
    count: i64,
}

/// Folds up to `limit` deltas into their groups, oldest first; answers how many. One at a time in the whole cluster (a
/// second does nothing): two folds at once could see a member's end before its insert, and an end of the group that is
/// none.
///
/// # Errors
/// The database's; nothing was folded then.
pub async fn fold(conn: &mut AsyncPgConnection, limit: i64) -> QueryResult<i64> {
    let begun = atomic::begin(conn).await?;
    let done = async {
        let alone: Yes = statement("SELECT pg_try_advisory_xact_lock(hashtext('queue.groups.fold')) AS yes")
            .get_result(&mut *conn)
            .await?;
        if !alone.yes {
            return Ok(0);
        }
        statement(BORN).bind::<Int8, _>(limit).execute(&mut *conn).await?;
        let folded: Count = statement(FOLD).bind::<Int8, _>(limit).get_result(&mut *conn).await?;
        Ok(folded.count)
    }
    .await;
    atomic::end(conn, begun, done).await
}

/// A member of a group that is being cancelled.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Doomed {
    /// Whose.
    #[diesel(sql_type = SqlUuid)]
    pub tenant_id: Uuid,
    /// The job.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Where it is.
    #[diesel(sql_type = Text)]
    pub queue: String,
    /// Its lane.
    #[diesel(sql_type = Text)]
    pub lane: String,
}

// Those that were asked to stop are not asked again: the running few stay in the way of no page, and groups of which they
// are all that is left in that of no other group.
const DOOMED: &str = "
SELECT j.tenant_id, j.id, j.queue, j.lane FROM (
    SELECT g.tenant_id, g.id FROM queue.groups g
    CROSS JOIN LATERAL (SELECT FROM queue.jobs m WHERE m.tenant_id = g.tenant_id AND m.group_id = g.id
        AND m.state IN ('waiting', 'scheduled', 'held') AND m.cancel_requested_at IS NULL LIMIT 1) left_over
    WHERE g.cancel_requested_at IS NOT NULL AND g.ended_at IS NULL
    ORDER BY g.cancel_requested_at LIMIT 64) g
CROSS JOIN unnest(ARRAY['waiting', 'scheduled', 'held']) AS s (of_state)
CROSS JOIN LATERAL (
    SELECT m.tenant_id, m.id, m.queue, m.lane FROM queue.jobs m
    WHERE m.tenant_id = g.tenant_id AND m.group_id = g.id AND m.state = s.of_state AND m.cancel_requested_at IS NULL
    ORDER BY m.id LIMIT $1) j
LIMIT $1";

/// Up to `limit` members, of the oldest groups that are being cancelled, that nobody has seen to yet.
///
/// # Errors
/// The database's.
pub async fn doomed(conn: &mut AsyncPgConnection, limit: i64) -> QueryResult<Vec<Doomed>> {
    let any: Yes = statement(
        "SELECT EXISTS (SELECT FROM queue.groups WHERE cancel_requested_at IS NOT NULL AND ended_at IS NULL) AS yes",
    )
    .get_result(conn)
    .await?;
    if !any.yes {
        return Ok(Vec::new());
    }
    // A page must not be read by sorting all of a group that the statistics do not know yet.
    let begun = atomic::begin(conn).await?;
    let page = async {
        by_index(conn).await?;
        statement(DOOMED).bind::<Int8, _>(limit).load(&mut *conn).await
    }
    .await;
    atomic::end(conn, begun, page).await
}

/// Forgets up to `limit` groups that ended before `before`; their members are the ledger's retention's. Answers how many.
/// One with a dead letter stays as long as that does: it may be redriven yet, and jobs may wait for it.
///
/// # Errors
/// The database's.
pub async fn forget_before(conn: &mut AsyncPgConnection, before: DateTime<Utc>, limit: i64) -> QueryResult<usize> {
    statement(
        "DELETE FROM queue.groups g USING (
            SELECT tenant_id, id FROM queue.groups WHERE ended_at < $1 AND failed = 0
            ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED) o
         WHERE g.tenant_id = o.tenant_id AND g.id = o.id",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<Int8, _>(limit)
    .execute(conn)
    .await
}
