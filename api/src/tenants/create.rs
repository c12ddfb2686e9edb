//! `POST /v1/tenants`.
//!
//! Only the operator, with the system key; without a first key, so that making one is a step of its own with its own
//! record.

use patchbay_db::ids::TenantId;
use patchbay_domain::{
    audit,
    tenants::{self, NewTenant},
};
use poem_openapi::OpenApi;
use serde_json::json;

use super::dto::{Tenant, TenantCreate, check_plan, refused};
use crate::{
    http::{Body, Created, SystemCall, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Create;

#[OpenApi]
impl Create {
    /// Make a tenant
    ///
    /// It has no key yet: make one with `tenants_create_key`.
    #[oai(path = "/v1/tenants", method = "post", operation_id = "tenants_create", tag = "Tag::Tenants")]
    async fn run(&self, call: SystemCall, body: Body<TenantCreate>) -> Written<Created<Tenant>> {
        let digest = body.digest();
        let wanted = body.into_inner();
        tenants::check(wanted.timezone.as_deref(), wanted.default_country.as_deref()).map_err(refused)?;
        let id: TenantId = call.app.db.new_id(call.now);
        let new = NewTenant {
            id,
            name: wanted.name,
            timezone: wanted.timezone.unwrap_or_else(|| "UTC".to_owned()),
            locale: wanted.locale.unwrap_or_else(|| "en".to_owned()),
            currency: wanted.currency.unwrap_or_else(|| "USD".to_owned()),
            default_country: wanted.default_country,
            plan: wanted.plan,
        };
        let mut tx = call.begin_once("a tenant is made by the operator", digest).await?;
        check_plan(&mut tx, new.plan.as_deref()).await?;
        let tenant = tenants::insert(&mut tx, &call.cause(), new).await?;
        let entry = audit::Entry {
            id: call.app.db.new_id(call.now),
            tenant: id,
            actor: "system",
            action: "tenants.create",
            subject: id.to_string(),
            detail: json!({ "name": tenant.name }),
            request_id: Some(call.request_id()),
            at: call.now,
        };
        audit::record(&mut tx, entry).await?;
        tx.finish(Created { location: format!("/v1/tenants/{id}"), record: tenant.into() }).await
    }
}
