//! `GET /v1/tenants`.
//!
//! The operator's: it runs as the system role, because no tenant may see another.

use patchbay_domain::tenants;
use poem_openapi::{OpenApi, param::Query, payload::Json};

use super::dto::Tenant;
use crate::{
    http::{Handled, Limit, ListOf, SystemCall, paging},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct List;

#[OpenApi]
impl List {
    /// List tenants
    ///
    /// Newest first.
    #[oai(path = "/v1/tenants", method = "get", operation_id = "tenants_list", tag = "Tag::Tenants")]
    async fn run(
        &self,
        call: SystemCall,
        /// How many at most.
        limit: Query<Option<Limit>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Handled<Json<ListOf<Tenant>>> {
        let page = paging::page(limit.0, cursor.0.as_deref())?;
        let mut tx = call.begin("tenants are listed by the operator").await?;
        let found = tenants::list(&mut tx, page).await?;
        tx.commit().await?;
        Ok(Json(ListOf::from_page(found, Tenant::from)))
    }
}
