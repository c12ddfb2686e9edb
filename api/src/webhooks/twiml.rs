//! The answer to an inbound message: TwiML that says nothing, so that Twilio sends nothing by itself.

use poem::{IntoResponse, Response};
use poem_openapi::{payload::Payload, registry::MetaSchemaRef, types::Type};

/// No reply by TwiML: what is answered goes out as a message of its own, through the queue.
#[derive(Debug)]
pub struct EmptyTwiMl;

impl Payload for EmptyTwiMl {
    const CONTENT_TYPE: &'static str = "text/xml";

    fn schema_ref() -> MetaSchemaRef {
        String::schema_ref()
    }
}

impl IntoResponse for EmptyTwiMl {
    fn into_response(self) -> Response {
        Response::builder().content_type(Self::CONTENT_TYPE).body("<Response/>")
    }
}
