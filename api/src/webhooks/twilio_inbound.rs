//! `POST /v1/webhooks/twilio/{id}/inbound`.
//!
//! It stores what came, as it came, and answers: what it means is a job's work, so that no mistake there loses a STOP.

use patchbay_db::ids::ProviderAccountId;
use patchbay_domain::messages::raw::RawKind;
use patchbay_providers::ProviderKind;
use poem::Request;
use poem_openapi::{ApiResponse, OpenApi, param::Path};

use super::{body::RawForm, twiml::EmptyTwiMl};
use crate::{
    http::{Handled, Id, auth},
    tags::Tag,
};

/// The answer.
#[derive(Debug, ApiResponse)]
pub enum Taken {
    /// It is stored.
    #[oai(status = 200)]
    Stored(EmptyTwiMl),
}

/// The operation.
#[derive(Debug, Default)]
pub struct TwilioInbound;

#[OpenApi]
impl TwilioInbound {
    /// Take a message that came in at Twilio
    ///
    /// Twilio calls this; the `X-Twilio-Signature` must be the account's. Answered with empty TwiML once the message is
    /// stored. STOP, START and HELP are obeyed and answered by a job.
    #[oai(
        path = "/v1/webhooks/twilio/:id/inbound",
        method = "post",
        operation_id = "webhooks_twilio_inbound",
        tag = "Tag::Webhooks"
    )]
    async fn run(
        &self,
        request: &Request,
        /// The provider account's id.
        id: Path<Id<ProviderAccountId>>,
        body: RawForm,
    ) -> Handled<Taken> {
        let intake = &auth::app(request).webhooks;
        intake.take(ProviderKind::Twilio, id.0.0, RawKind::Inbound, request, body.0).await?;
        Ok(Taken::Stored(EmptyTwiMl))
    }
}
