//! `POST /v1/tenants/{id}/api_keys`.
//!
//! The operator's way to a tenant's first key; a tenant makes its further ones itself.

use patchbay_db::ids::TenantId;
use patchbay_domain::{api_keys, tenants};
use poem_openapi::{OpenApi, param::Path};

use crate::{
    api_keys::{
        dto::{ApiKeyCreate, ApiKeyCreated},
        issue::{self, Deed},
    },
    http::{Body, Created, Id, Problem, SystemCall, Written, reply::Secret},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct CreateKey;

#[OpenApi]
impl CreateKey {
    /// Make a key for a tenant
    ///
    /// This is how a tenant gets its first key. The secret is in this answer and nowhere else: it cannot be shown again,
    /// except by repeating the request with its `Idempotency-Key`.
    #[oai(
        path = "/v1/tenants/:id/api_keys",
        method = "post",
        operation_id = "tenants_create_key",
        tag = "Tag::Tenants"
    )]
    async fn run(
        &self,
        call: SystemCall,
        /// The tenant's id.
        id: Path<Id<TenantId>>,
        body: Body<ApiKeyCreate>,
    ) -> Written<Secret<Created<ApiKeyCreated>>> {
        let tenant = id.0.0;
        let digest = body.digest();
        let wanted = issue::checked(body.into_inner(), call.now)?;
        let (new, secret) = issue::new_key(&call.app, tenant, wanted, call.now);
        let mut tx = call.begin_once("a tenant's key is made by the operator", digest).await?;
        tenants::get(&mut tx, tenant).await?.ok_or_else(|| Problem::not_found("tenant"))?;
        let key = api_keys::insert(&mut tx, &call.cause(), new).await?;
        let deed =
            Deed { tenant, actor: "system", action: "api_keys.create", request_id: call.request_id(), at: call.now };
        issue::audit(&mut tx, &call.app, &key, deed).await?;
        tx.finish(issue::created(key, &secret)).await
    }
}
