//! `GET /v1/dead_letters/count`.
//!
//! What a redrive would touch, before it is begun. Counted up to a cap: the answer must not take longer for millions.

use patchbay_db::ids::{JobGroupId, TenantId};
use patchbay_domain::jobs::dead_keys;
use poem_openapi::{Object, OpenApi, param::Query, payload::Json, types::Example};

use super::dto::{DeadLetterFilter, ErrorClass};
use crate::{
    http::{Caller, Handled, Id, Problem, Time},
    jobs::Read,
    tags::Tag,
};

/// Most that is counted.
const CAP: i64 = 100_000;

/// How many dead letters match.
#[derive(Debug, Object)]
#[oai(example)]
pub struct DeadLetterCount {
    /// How many, counted up to 100,000.
    pub count: u64,
    /// Whether there are more.
    pub at_least: bool,
}

impl Example for DeadLetterCount {
    fn example() -> Self {
        Self { count: 42, at_least: false }
    }
}

/// The operation.
#[derive(Debug, Default)]
pub struct Count;

#[OpenApi]
impl Count {
    /// Count dead letters
    ///
    /// By the same filters as the list.
    #[oai(
        path = "/v1/dead_letters/count",
        method = "get",
        operation_id = "dead_letters_count",
        tag = "Tag::DeadLetters"
    )]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the query")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// Only those of this queue.
        queue: Query<Option<String>>,
        /// Only those of this kind.
        kind: Query<Option<String>>,
        /// Only those of this lane.
        lane: Query<Option<String>>,
        /// Only those of this group.
        group_id: Query<Option<Id<JobGroupId>>>,
        /// Only those about this record.
        subject: Query<Option<String>>,
        /// Only those with this class of error.
        error_class: Query<Option<ErrorClass>>,
        /// Only those with this error.
        error_code: Query<Option<String>>,
        /// Only those that gave up at this instant or later.
        failed_from: Query<Option<Time>>,
        /// Only those that gave up before this instant.
        failed_before: Query<Option<Time>>,
        /// Whose, for the system key, which counts everybody's where it is left out. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<DeadLetterCount>> {
        let filter = DeadLetterFilter {
            queue: queue.0,
            kind: kind.0,
            lane: lane.0,
            group_id: group_id.0,
            subject: subject.0,
            error_class: error_class.0,
            error_code: error_code.0,
            failed_from: failed_from.0,
            failed_before: failed_before.0,
        };
        let whose = call.whose(tenant_id.0)?;
        let mut tx = call.read().await?;
        let found = dead_keys::count(&mut tx, whose, &filter.into(), CAP + 1).await?;
        tx.commit().await?;
        let count = u64::try_from(found.min(CAP)).map_err(Problem::internal)?;
        Ok(Json(DeadLetterCount { count, at_least: found > CAP }))
    }
}
