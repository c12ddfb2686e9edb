//! `GET /v1/tenants/{id}`.

use patchbay_db::ids::TenantId;
use patchbay_domain::tenants;
use poem_openapi::{OpenApi, param::Path, payload::Json};

use super::dto::Tenant;
use crate::{
    http::{Handled, Id, Problem, SystemCall},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Get;

#[OpenApi]
impl Get {
    /// Get a tenant
    #[oai(path = "/v1/tenants/:id", method = "get", operation_id = "tenants_get", tag = "Tag::Tenants")]
    async fn run(
        &self,
        call: SystemCall,
        /// The tenant's id.
        id: Path<Id<TenantId>>,
    ) -> Handled<Json<Tenant>> {
        let mut tx = call.begin("a tenant is read by the operator").await?;
        let tenant = tenants::get(&mut tx, id.0.0).await?;
        tx.commit().await?;
        let tenant = tenant.ok_or_else(|| Problem::not_found("tenant"))?;
        Ok(Json(tenant.into()))
    }
}
