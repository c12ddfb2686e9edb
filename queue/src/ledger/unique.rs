//! One living job per unique key: who has a key, and what a newcomer means for them.
//!
//! A key belongs to its holder while that lives, and to nobody after (or after its window). The *row* of the key only
//! says who took it last: it goes with the holder's end, in the same statement (a trigger), but where it stays (the end
//! came while an enqueue had the key in hand; an older program wrote it) it means nothing, because whoever finds a key
//! looks at its holder. So no crash anywhere can leave a key taken for ever.
//! Rejected: trusting the row alone, as the first version did: a crash between the end and a second statement that freed
//! the key left it taken by nobody.
//!
//! A key is locked before its holder's row, and an end, which has the row, never waits for a key.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Bytea, Int2, Int4, Int8, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::dependencies::{Targets, is_pending};
use super::insert::{Changed, Inserted, distinct};
use super::row::job_row_columns;
use crate::sql::statement;
use crate::{Conflict, NewJob};

type Name = (Uuid, String, String);

/// The keys of a batch, in hand until the commit.
#[derive(Default)]
pub(super) struct Keys {
    keys: BTreeMap<Name, Key>,
    replace: HashMap<(Uuid, Uuid), NewJob>,
    push_back: HashMap<(Uuid, Uuid), DateTime<Utc>>,
}

#[derive(Default)]
struct Key {
    /// Who took it last, and who was to follow.
    row: Option<(Uuid, Option<Uuid>)>,
    /// Its window is not over.
    windowed: bool,
    holder: Option<Uuid>,
    next: Option<Uuid>,
    /// The row has to be written, with this window.
    changed: bool,
    window_ms: Option<i64>,
}

/// What becomes of a job, as far as its key goes.
pub(super) enum Admission {
    /// It becomes a row.
    New,
    /// It becomes a row that waits for this job's end.
    SuccessorOf(Uuid),
    /// It becomes nothing new.
    Other(Inserted),
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = SqlUuid)]
    job_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    next_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    windowed: bool,
}

// The update that changes nothing makes the statement answer the row in either case, and waits for a concurrent
// taker's transaction instead of missing it.
const TAKE: &str = "
INSERT INTO queue.unique_keys AS k (tenant_id, kind, key, job_id)
SELECT DISTINCT ON (n.tenant_id, n.kind, n.key) n.tenant_id, n.kind, n.key, n.job_id
FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS n (tenant_id, kind, key, job_id, place)
ORDER BY n.tenant_id, n.kind, n.key, n.place
ON CONFLICT (tenant_id, kind, key) DO UPDATE SET job_id = k.job_id
RETURNING k.tenant_id, k.kind, k.key, k.job_id, k.next_id, coalesce(k.expires_at > now(), false) AS windowed";

fn name(job: &NewJob) -> Option<Name> {
    Some((job.tenant_id, job.kind.clone(), job.unique_key.clone()?))
}

fn conflict(job: &NewJob) -> Conflict {
    job.flow.as_ref().map_or(Conflict::Keep, |flow| flow.conflict)
}

pub(super) async fn take_in_hand(conn: &mut AsyncPgConnection, jobs: &[NewJob]) -> QueryResult<Keys> {
    let keyed: Vec<(&NewJob, &str)> = jobs.iter().filter_map(|job| Some((job, job.unique_key.as_deref()?))).collect();
    if keyed.is_empty() {
        return Ok(Keys::default());
    }
    let rows: Vec<Row> = statement(TAKE)
        .bind::<Array<SqlUuid>, _>(keyed.iter().map(|(job, _)| job.tenant_id).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keyed.iter().map(|(job, _)| job.kind.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keyed.iter().map(|(_, key)| *key).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(keyed.iter().map(|(job, _)| job.id).collect::<Vec<_>>())
        .load(conn)
        .await?;
    let ours: HashSet<Uuid> = keyed.iter().map(|(job, _)| job.id).collect();
    let keys = rows
        .into_iter()
        .map(|row| {
            let found = (!ours.contains(&row.job_id)).then_some((row.job_id, row.next_id));
            let key = Key { row: found, windowed: row.windowed, ..Key::default() };
            ((row.tenant_id, row.kind, row.key), key)
        })
        .collect();
    Ok(Keys { keys, ..Keys::default() })
}

#[derive(QueryableByName)]
struct State {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
}

impl Keys {
    /// The holders that may be changed.
    pub(super) fn to_lock(&self, jobs: &[NewJob]) -> Vec<(Uuid, Uuid)> {
        let names = jobs.iter().filter(|job| conflict(job) != Conflict::Keep).filter_map(name);
        names
            .filter_map(|name| Some((name.0, self.keys.get(&name)?.row?)))
            .flat_map(|(tenant, (holder, next))| std::iter::once(holder).chain(next).map(move |id| (tenant, id)))
            .collect()
    }

    /// Sees which keys are taken by a living job.
    pub(super) async fn judge(&mut self, conn: &mut AsyncPgConnection, targets: &Targets) -> QueryResult<()> {
        let found = self.keys.iter().filter_map(|(name, key)| Some((name.0, key.row?)));
        let all =
            found.flat_map(|(tenant, (holder, next))| std::iter::once(holder).chain(next).map(move |id| (tenant, id)));
        let (tenants, ids) = distinct(all.filter(|(tenant, id)| targets.state(*tenant, *id).is_none()));
        let mut living: HashSet<Uuid> = HashSet::new();
        if !ids.is_empty() {
            let states: Vec<State> = statement(
                "SELECT j.id, j.state FROM unnest($1, $2) AS n (tenant_id, id)
                 JOIN queue.jobs j ON j.tenant_id = n.tenant_id AND j.id = n.id",
            )
            .bind::<Array<SqlUuid>, _>(tenants)
            .bind::<Array<SqlUuid>, _>(ids)
            .load(conn)
            .await?;
            living.extend(states.into_iter().filter(|job| is_pending(&job.state)).map(|job| job.id));
        }
        for ((tenant, ..), key) in &mut self.keys {
            let lives = |id: Uuid| targets.state(*tenant, id).map_or_else(|| living.contains(&id), is_pending);
            let Some((holder, next)) = key.row else { continue };
            let next = next.filter(|id| lives(*id));
            if lives(holder) {
                (key.holder, key.next) = (Some(holder), next);
            } else {
                (key.holder, key.changed) = (next, next.is_some());
            }
        }
        Ok(())
    }

    /// Decides about the next job of the batch.
    pub(super) fn admit(&mut self, job: &NewJob) -> Admission {
        let Some(key) = name(job).and_then(|name| self.keys.get_mut(&name)) else { return Admission::New };
        let window_ms = job.flow.as_ref().and_then(|flow| flow.window).map(|window| window.num_milliseconds());
        let Some(holder) = key.holder else {
            if key.windowed {
                return Admission::Other(Inserted::Existing(key.row.map_or(job.id, |(last, _)| last)));
            }
            key.changed |= key.row.is_some() || window_ms.is_some();
            (key.holder, key.window_ms) = (Some(job.id), window_ms);
            return Admission::New;
        };
        match conflict(job) {
            Conflict::Keep => Admission::Other(Inserted::Existing(holder)),
            Conflict::Replace => {
                self.replace.insert((job.tenant_id, holder), job.clone());
                Admission::Other(Inserted::Replaced(holder))
            }
            Conflict::PushBack => {
                if let Some(at) = job.run_at {
                    let later = self.push_back.entry((job.tenant_id, holder)).or_insert(at);
                    *later = at.max(*later);
                }
                Admission::Other(Inserted::PushedBack(holder))
            }
            Conflict::KeepLast => match key.next {
                Some(next) => {
                    self.replace.insert((job.tenant_id, next), job.clone());
                    Admission::Other(Inserted::Replaced(next))
                }
                None => {
                    (key.next, key.changed) = (Some(job.id), true);
                    Admission::SuccessorOf(holder)
                }
            },
        }
    }

    /// Writes who has the keys now, and what became of those who had them.
    pub(super) async fn write(self, conn: &mut AsyncPgConnection) -> QueryResult<Vec<Changed>> {
        let changed: Vec<(&Name, &Key)> = self.keys.iter().filter(|(_, key)| key.changed).collect();
        if !changed.is_empty() {
            // The window of a holder that stays is left as it is; who follows it has the key in the same window.
            statement(
                "UPDATE queue.unique_keys k SET next_id = n.next_id, job_id = n.job_id,
                    expires_at = CASE WHEN n.window_ms IS NOT NULL THEN now() + n.window_ms * interval '1 ms'
                        WHEN n.job_id IN (k.job_id, k.next_id) THEN k.expires_at END
                 FROM unnest($1, $2, $3, $4, $5, $6) AS n (tenant_id, kind, key, job_id, next_id, window_ms)
                 WHERE k.tenant_id = n.tenant_id AND k.kind = n.kind AND k.key = n.key",
            )
            .bind::<Array<SqlUuid>, _>(changed.iter().map(|(name, _)| name.0).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(changed.iter().map(|(name, _)| name.1.as_str()).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(changed.iter().map(|(name, _)| name.2.as_str()).collect::<Vec<_>>())
            .bind::<Array<Nullable<SqlUuid>>, _>(changed.iter().map(|(_, key)| key.holder).collect::<Vec<_>>())
            .bind::<Array<Nullable<SqlUuid>>, _>(changed.iter().map(|(_, key)| key.next).collect::<Vec<_>>())
            .bind::<Array<Nullable<Int8>>, _>(changed.iter().map(|(_, key)| key.window_ms).collect::<Vec<_>>())
            .execute(conn)
            .await?;
        }
        let mut rows = replace(conn, self.replace).await?;
        rows.extend(push_back(conn, self.push_back).await?);
        Ok(rows)
    }
}

// A wish to cancel was of what the job was: with what it is now, it runs. So were its attempts: of what it is now there
// was none (the history keeps them).
const REPLACE: &str = concat!(
    "UPDATE queue.jobs j SET version = n.version, priority = n.priority, cost = n.cost, payload = n.payload,
        subject = coalesce(n.subject, j.subject), run_at = coalesce(n.run_at, now()), not_after = n.not_after,
        max_attempts = n.max_attempts, errors = 0, crashes = 0, trace = n.trace, request_id = n.request_id,
        started_at = NULL,
        progress_total = n.total, progress_succeeded = 0, progress_failed = 0, progress_skipped = 0, progress_held = 0,
        generation = coalesce(j.generation, 0) + 1, revision = j.revision + 1, cancel_requested_at = NULL,
        state = CASE WHEN j.state = 'held' THEN 'held' WHEN n.run_at > now() THEN 'scheduled' ELSE 'waiting' END,
        held_reason = CASE WHEN j.state = 'held' THEN j.held_reason END
    FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        AS n (tenant_id, id, version, priority, cost, payload, subject, run_at, not_after, max_attempts, trace,
            request_id, total)
    WHERE j.tenant_id = n.tenant_id AND j.id = n.id AND j.state IN ('scheduled', 'waiting', 'held')
    RETURNING j.state = 'waiting' AS due, ",
    job_row_columns!()
);

async fn replace(conn: &mut AsyncPgConnection, with: HashMap<(Uuid, Uuid), NewJob>) -> QueryResult<Vec<Changed>> {
    if with.is_empty() {
        return Ok(Vec::new());
    }
    let mut with: Vec<_> = with.into_iter().collect();
    with.sort_unstable_by_key(|((tenant, id), _)| (*id, *tenant));
    statement(REPLACE)
        .bind::<Array<SqlUuid>, _>(with.iter().map(|(target, _)| target.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(with.iter().map(|(target, _)| target.1).collect::<Vec<_>>())
        .bind::<Array<Int2>, _>(with.iter().map(|(_, job)| job.version).collect::<Vec<_>>())
        .bind::<Array<Int2>, _>(with.iter().map(|(_, job)| job.priority).collect::<Vec<_>>())
        .bind::<Array<Int4>, _>(with.iter().map(|(_, job)| job.cost).collect::<Vec<_>>())
        .bind::<Array<Bytea>, _>(with.iter().map(|(_, job)| job.payload.as_slice()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(with.iter().map(|(_, job)| job.subject.as_deref()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(with.iter().map(|(_, job)| job.run_at).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(with.iter().map(|(_, job)| job.not_after).collect::<Vec<_>>())
        .bind::<Array<Int2>, _>(with.iter().map(|(_, job)| job.max_attempts).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(with.iter().map(|(_, job)| job.trace.as_deref()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(with.iter().map(|(_, job)| job.request_id.as_deref()).collect::<Vec<_>>())
        .bind::<Array<Int4>, _>(with.iter().map(|(_, job)| job.total).collect::<Vec<_>>())
        .load(conn)
        .await
}

// A due job may be in Redis, or run, also where it is held by now: what such a run comes to is not the job's end any more.
// Why it was put off before says nothing about the new time.
const PUSH_BACK: &str = concat!(
    "UPDATE queue.jobs j SET run_at = n.run_at, revision = j.revision + 1, cancel_requested_at = NULL,
        generation = CASE WHEN j.state = 'scheduled' THEN j.generation ELSE coalesce(j.generation, 0) + 1 END,
        state = CASE WHEN j.state = 'held' THEN 'held' WHEN n.run_at > now() THEN 'scheduled' ELSE 'waiting' END,
        held_reason = CASE WHEN j.state = 'held' THEN j.held_reason END
    FROM unnest($1, $2, $3) AS n (tenant_id, id, run_at)
    WHERE j.tenant_id = n.tenant_id AND j.id = n.id AND j.state IN ('scheduled', 'waiting', 'held')
        AND j.run_at < n.run_at
    RETURNING j.state = 'waiting' AS due, ",
    job_row_columns!()
);

async fn push_back(
    conn: &mut AsyncPgConnection,
    to: HashMap<(Uuid, Uuid), DateTime<Utc>>,
) -> QueryResult<Vec<Changed>> {
    if to.is_empty() {
        return Ok(Vec::new());
    }
    let mut to: Vec<_> = to.into_iter().collect();
    to.sort_unstable_by_key(|((tenant, id), _)| (*id, *tenant));
    statement(PUSH_BACK)
        .bind::<Array<SqlUuid>, _>(to.iter().map(|(target, _)| target.0).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(to.iter().map(|(target, _)| target.1).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(to.iter().map(|(_, at)| *at).collect::<Vec<_>>())
        .load(conn)
        .await
}

const SWEEP: &str = "
WITH old AS (
    SELECT k.tenant_id, k.kind, k.key, k.job_id, k.next_id FROM queue.unique_keys k WHERE k.expires_at < now()
    ORDER BY k.expires_at LIMIT $1 FOR UPDATE SKIP LOCKED),
judged AS (
    SELECT o.*, EXISTS (SELECT FROM queue.jobs j WHERE j.tenant_id = o.tenant_id
        AND j.id IN (o.job_id, o.next_id) AND j.state IN ('scheduled', 'waiting', 'held')) AS lives FROM old o),
freed AS (
    DELETE FROM queue.unique_keys k USING judged o
    WHERE k.tenant_id = o.tenant_id AND k.kind = o.kind AND k.key = o.key AND NOT o.lives)
UPDATE queue.unique_keys k SET expires_at = NULL FROM judged o
WHERE k.tenant_id = o.tenant_id AND k.kind = o.kind AND k.key = o.key AND o.lives";

/// Puts away up to `limit` keys whose window is over; one whose holder lives is left to the holder's end.
///
/// # Errors
/// The database's.
pub async fn sweep(conn: &mut AsyncPgConnection, limit: i64) -> QueryResult<()> {
    statement(SWEEP).bind::<Int8, _>(limit).execute(conn).await.map(drop)
}
