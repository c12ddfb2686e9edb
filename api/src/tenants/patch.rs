//! `PATCH /v1/tenants/{id}`.
//!
//! Suspending is a change of status: nothing is deleted, and it can be taken back.

use patchbay_db::ids::TenantId;
use patchbay_domain::{audit, tenants};
use poem_openapi::{OpenApi, param::Path, payload::Json, types::MaybeUndefined, types::ToJSON};

use super::dto::{Tenant, TenantPatch, check_plan, cleared, refused};
use crate::{
    http::{Body, Handled, Id, Problem, SystemCall},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Patch;

#[OpenApi]
impl Patch {
    /// Change a tenant
    ///
    /// A suspended tenant's keys are refused within seconds; its records and jobs stay. Another plan changes its share in the
    /// queues within a second, for what waits already too.
    #[oai(path = "/v1/tenants/:id", method = "patch", operation_id = "tenants_patch", tag = "Tag::Tenants")]
    async fn run(
        &self,
        call: SystemCall,
        /// The tenant's id.
        id: Path<Id<TenantId>>,
        body: Body<TenantPatch>,
    ) -> Handled<Json<Tenant>> {
        let id = id.0.0;
        let wanted = body.into_inner();
        let country = match &wanted.default_country {
            MaybeUndefined::Value(code) => Some(code.as_str()),
            MaybeUndefined::Null | MaybeUndefined::Undefined => None,
        };
        tenants::check(wanted.timezone.as_deref(), country).map_err(refused)?;
        let detail = wanted.to_json().unwrap_or_default();
        let patch = tenants::TenantPatch {
            name: wanted.name,
            timezone: wanted.timezone,
            locale: wanted.locale,
            currency: wanted.currency,
            default_country: cleared(wanted.default_country),
            plan: cleared(wanted.plan),
            status: wanted.status.map(Into::into),
        };
        let mut tx = call.begin("a tenant is changed by the operator").await?;
        check_plan(&mut tx, patch.plan.as_ref().and_then(Option::as_deref)).await?;
        let tenant =
            tenants::update(&mut tx, &call.cause(), id, patch).await?.ok_or_else(|| Problem::not_found("tenant"))?;
        let entry = audit::Entry {
            id: call.app.db.new_id(call.now),
            tenant: id,
            actor: "system",
            action: "tenants.patch",
            subject: id.to_string(),
            detail,
            request_id: Some(call.request_id()),
            at: call.now,
        };
        audit::record(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(Json(tenant.into()))
    }
}
