//! `POST /v1/leads`.
//!
//! No address is refused for having an owner: a lead is what somebody said, contacts are who we know.

use patchbay_domain::leads;
use poem_openapi::OpenApi;

use super::{
    Write,
    dto::{Lead, LeadCreate},
};
use crate::contacts::{default_country, faults};
use crate::{
    http::{Body, Call, Created, Written},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Create;

#[OpenApi]
impl Create {
    /// Make a lead
    ///
    /// A lead is a copy of what somebody said about themselves: it may have the addresses of a contact, or of another lead.
    #[oai(path = "/v1/leads", method = "post", operation_id = "leads_create", tag = "Tag::Leads")]
    async fn run(&self, call: Call<Write>, body: Body<LeadCreate>) -> Written<Created<Lead>> {
        let digest = body.digest();
        let mut tx = call.begin_once(digest).await?;
        let country = default_country(&mut tx).await?;
        let id = call.app.db.new_id(call.now);
        let made = leads::create(&mut tx, &call.cause(), id, body.into_inner().into(), country).await;
        let lead = made.map_err(|error| faults::refused(error, ""))?;
        let location = format!("/v1/leads/{}", lead.id);
        tx.finish(Created { location, record: lead.into() }).await
    }
}
