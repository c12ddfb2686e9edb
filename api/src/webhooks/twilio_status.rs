//! `POST /v1/webhooks/twilio/{id}/status`.
//!
//! It stores what came, as it came, and answers: receipts arrive in floods, and a job applies them in sets.

use patchbay_db::ids::ProviderAccountId;
use patchbay_domain::messages::raw::RawKind;
use patchbay_providers::ProviderKind;
use poem::Request;
use poem_openapi::{ApiResponse, OpenApi, param::Path};

use super::body::RawForm;
use crate::{
    http::{Handled, Id, auth},
    tags::Tag,
};

/// The answer.
#[derive(Debug, ApiResponse)]
pub enum Stored {
    /// It is stored.
    #[oai(status = 204)]
    Stored,
}

/// The operation.
#[derive(Debug, Default)]
pub struct TwilioStatus;

#[OpenApi]
impl TwilioStatus {
    /// Take a delivery receipt of Twilio
    ///
    /// Twilio calls this; the `X-Twilio-Signature` must be the account's. Answered once the receipt is stored; receipts
    /// may come twice and in any order.
    #[oai(
        path = "/v1/webhooks/twilio/:id/status",
        method = "post",
        operation_id = "webhooks_twilio_status",
        tag = "Tag::Webhooks"
    )]
    async fn run(
        &self,
        request: &Request,
        /// The provider account's id.
        id: Path<Id<ProviderAccountId>>,
        body: RawForm,
    ) -> Handled<Stored> {
        let intake = &auth::app(request).webhooks;
        intake.take(ProviderKind::Twilio, id.0.0, RawKind::Status, request, body.0).await?;
        Ok(Stored::Stored)
    }
}
