//! `POST /v1/api_keys`.
//!
//! The secret leaves this answer and no other, sealed under its idempotency key: the database holds its hash only.

use patchbay_domain::api_keys;
use poem_openapi::OpenApi;

use super::{
    Write,
    dto::{ApiKeyCreate, ApiKeyCreated},
    issue::{self, Deed},
};
use crate::{
    http::{Body, Call, Code, Created, Problem, Written, reply::Secret},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Create;

#[OpenApi]
impl Create {
    /// Make a key
    ///
    /// A key can pass on only what it may do itself, and a test key makes test keys only. The secret is in this answer
    /// and nowhere else: it cannot be shown again, except by repeating the request with its `Idempotency-Key`.
    #[oai(path = "/v1/api_keys", method = "post", operation_id = "api_keys_create", tag = "Tag::ApiKeys")]
    async fn run(&self, call: Call<Write>, body: Body<ApiKeyCreate>) -> Written<Secret<Created<ApiKeyCreated>>> {
        let digest = body.digest();
        let wanted = issue::checked(body.into_inner(), call.now)?;
        let refused = |fault: String| Problem::new(Code::Forbidden, fault);
        api_keys::check_grant(&wanted.scopes, &call.key.scopes).map_err(|fault| refused(fault.to_string()))?;
        if call.key.mode == api_keys::KeyMode::Test && wanted.mode == super::dto::KeyMode::Live {
            return Err(refused("A test key cannot make a live key.".to_owned()).into());
        }
        let (new, secret) = issue::new_key(&call.app, call.tenant(), wanted, call.now);
        let mut tx = call.begin_once(digest).await?;
        let key = api_keys::insert(&mut tx, &call.cause(), new).await?;
        let (tenant, actor) = (call.tenant(), call.actor());
        let deed =
            Deed { tenant, actor: &actor, action: "api_keys.create", request_id: call.request_id(), at: call.now };
        issue::audit(&mut tx, &call.app, &key, deed).await?;
        tx.finish(issue::created(key, &secret)).await
    }
}
