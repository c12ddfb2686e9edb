//! How much is set aside: planned for later, held, or a dead letter. None of it is due and so in no backlog: of what a pause
//! holds that somebody forgot, nobody would know.
//!
//! Counted up to a cap, as [`depth`](super::depth) does. Of what workers parked, and of what a tenant has planned, there are
//! indexes by queue. Of the rest there are none, and one would cost every job that is tried again: so one look goes over
//! the first of all queues together ([`CAP`] of a state) and counts them by queue. That is exact where there are no more, and
//! at least so many where there are.

use diesel::QueryableByName;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Int8, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::depth::{CAP, by_index};
use crate::sql::statement;

/// What is set aside in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The queue.
    pub queue: String,
    /// Planned for later, those that are to be tried again among them.
    pub scheduled: Capped,
    /// Held: by somebody, by a pause of their kind, for a version that no worker knows, for others to end.
    pub held: Capped,
    /// Dead letters.
    pub dead: Capped,
}

/// A count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capped {
    /// How many there are, the cap where there are more.
    pub jobs: u64,
    /// Whether there may be more.
    pub at_least: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    queue: String,
    #[diesel(sql_type = Int8)]
    found: i64,
    /// Whether it was counted by its queue's index, and not met in the look at all queues.
    #[diesel(sql_type = Bool)]
    by_queue: bool,
}

/// What is met of a state, in the order of an index that has it.
macro_rules! met {
    ($state:literal, $whose:literal, $order:literal) => {
        concat!(
            "SELECT '",
            $state,
            "' AS state, queue, count(*) AS found, false AS by_queue FROM (
                SELECT queue FROM queue.jobs WHERE state = '",
            $state,
            "'",
            $whose,
            " ORDER BY ",
            $order,
            " LIMIT $1) met GROUP BY queue"
        )
    };
}

/// What is counted of a state in each queue by its index. (`BETWEEN`, because with `=` the order would be that of time, and
/// everybody's delayed jobs are in an index by that, too.)
macro_rules! counted {
    ($state:literal, $which:literal, $order:literal) => {
        concat!(
            "SELECT '",
            $state,
            "' AS state, q.queue, counted.found, true AS by_queue FROM unnest($2) AS q (queue)
            CROSS JOIN LATERAL (
                SELECT count(*) AS found FROM (
                    SELECT FROM queue.jobs j WHERE j.state = '",
            $state,
            "' AND ",
            $which,
            " ORDER BY ",
            $order,
            " LIMIT $1) found) counted"
        )
    };
}

const OF_ALL: &str = concat!(
    met!("scheduled", "", "run_at"),
    " UNION ALL ",
    met!("held", "", "tenant_id, id"),
    " UNION ALL ",
    counted!("held", "j.held_by = 'kind_pause' AND j.queue = q.queue", "j.kind, j.version, j.tenant_id, j.run_at"),
    " UNION ALL ",
    counted!("held", "j.held_by = 'version' AND j.queue = q.queue", "j.kind, j.version, j.tenant_id, j.run_at"),
    " UNION ALL ",
    met!("dead", "", "id DESC")
);

const OF_TENANT: &str = concat!(
    counted!("scheduled", "j.tenant_id = $3 AND j.queue BETWEEN q.queue AND q.queue", "j.queue, j.run_at"),
    " UNION ALL ",
    met!("held", " AND tenant_id = $3", "id"),
    " UNION ALL ",
    met!("dead", " AND tenant_id = $3", "id DESC")
);

/// What is set aside in each of `queues`, of `tenant` or of everybody the role may see. In a transaction.
///
/// # Errors
/// The database's.
pub async fn queues(conn: &mut AsyncPgConnection, queues: &[&str], tenant: Option<Uuid>) -> QueryResult<Vec<Aside>> {
    by_index(conn).await?;
    let query = statement(if tenant.is_some() { OF_TENANT } else { OF_ALL })
        .bind::<Int8, _>(CAP + 1)
        .bind::<Array<Text>, _>(queues);
    let rows: Vec<Row> = match tenant {
        Some(tenant) => query.bind::<SqlUuid, _>(tenant).load(conn).await?,
        None => query.load(conn).await?,
    };
    let aside = |queue: &&str| Aside {
        queue: (*queue).to_owned(),
        scheduled: capped(&rows, "scheduled", queue),
        held: capped(&rows, "held", queue),
        dead: capped(&rows, "dead", queue),
    };
    Ok(queues.iter().map(aside).collect())
}

/// A look that met no more than the cap, in all queues together, has missed nothing.
fn capped(rows: &[Row], state: &str, queue: &str) -> Capped {
    let (mut met, mut met_in_all, mut counted) = (0_i64, 0_i64, 0_i64);
    for row in rows.iter().filter(|row| row.state == state) {
        let found = if row.queue == queue { row.found } else { 0 };
        if row.by_queue {
            counted += found;
        } else {
            met += found;
            met_in_all += row.found;
        }
    }
    let found = counted.max(met);
    Capped { jobs: found.min(CAP).unsigned_abs(), at_least: found.max(met_in_all) > CAP }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(queue: &str, found: i64, by_queue: bool) -> Row {
        Row { state: "held".into(), queue: queue.into(), found, by_queue }
    }

    fn held(rows: &[Row], queue: &str) -> (u64, bool) {
        let Capped { jobs, at_least } = capped(rows, "held", queue);
        (jobs, at_least)
    }

    #[test]
    fn a_look_that_met_all_is_exact() {
        let rows = [row("a", 9_000, false), row("b", 1_000, false), row("a", 7, true)];
        assert_eq!(
            [held(&rows, "a"), held(&rows, "b"), held(&rows, "c")],
            [(9_000, false), (1_000, false), (0, false)]
        );
    }

    #[test]
    fn where_a_look_did_not_meet_all_what_was_counted_by_queue_stands() {
        let rows = [row("a", 10_001, false), row("b", 300, true), row("b", 30, true), row("a", 5, true)];
        assert_eq!([held(&rows, "a"), held(&rows, "b"), held(&rows, "c")], [(10_000, true), (330, true), (0, true)]);
        assert_eq!(held(&[row("b", 10_001, true)], "b"), (10_000, true));
    }
}
