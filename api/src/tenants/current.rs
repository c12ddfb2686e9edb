//! `GET /v1/tenant`.
//!
//! So that a key can be asked whose it is; a tenant knows no other id to ask for.

use patchbay_domain::tenants;
use poem_openapi::{OpenApi, payload::Json};

use super::{Read, dto::Tenant};
use crate::{
    http::{Call, Handled, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Current;

#[OpenApi]
impl Current {
    /// Get the key's own tenant
    #[oai(path = "/v1/tenant", method = "get", operation_id = "tenants_current", tag = "Tag::Tenants")]
    async fn run(&self, call: Call<Read>) -> Handled<Json<Tenant>> {
        let mut tx = call.read().await?;
        let tenant = tenants::get_own(&mut tx).await?;
        tx.commit().await?;
        let tenant = tenant.ok_or_else(|| Problem::not_found("tenant"))?;
        Ok(Json(tenant.into()))
    }
}
