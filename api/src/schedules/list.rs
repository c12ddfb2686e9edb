//! `GET /v1/schedules`.
//!
//! The operator's list has the program's own schedules too: they stand in the same table.

use patchbay_db::ids::TenantId;
use patchbay_domain::schedules;
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::{Read, dto::Schedule};
use crate::{
    http::{Caller, Handled, Id, Limit, ListOf, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List schedules
    ///
    /// Newest first. A tenant's key sees its own; the system key those of all tenants and those that come with the
    /// program.
    #[oai(path = "/v1/schedules", method = "get", operation_id = "schedules_list", tag = "Tag::Schedules")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Only this tenant's, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<ListOf<Schedule>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let whose = call.whose(tenant_id.0)?;
        let mut tx = call.read_whose(whose).await?;
        let found = schedules::list(&mut tx, whose, page).await?;
        tx.commit().await?;
        Ok(Json(ListOf::from_page(found, Schedule::listed)))
    }
}
