//! An answer in both of its forms: read, for tables, and as it came, for `--json`.

use serde_json::Value;

use crate::{
    client::{Client, Error, ResponseValue, types::Problem},
    failure::Failure,
    refusal::Refusal,
};

/// What the API answered.
pub struct Answer<T> {
    /// Read.
    pub read: T,
    /// As it came.
    pub json: Value,
}

/// Turns what the generated client returns into an answer.
///
/// # Errors
/// Refused by the API, not reached, or not understood.
pub fn answered<T>(client: &Client, result: Result<ResponseValue<T>, Error<Problem>>) -> Result<Answer<T>, Failure> {
    use progenitor_client::ClientInfo as _;
    let body = client.inner().take();
    match result {
        Ok(value) => {
            let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
            Ok(Answer { read: value.into_inner(), json })
        }
        Err(Error::ErrorResponse(refused)) => {
            Err(Failure::Refused(Box::new(Refusal::new(client.baseurl(), &refused, &body))))
        }
        Err(Error::InvalidRequest(what)) => Err(Failure::Usage(what)),
        Err(Error::CommunicationError(error) | Error::ResponseBodyError(error) | Error::InvalidUpgrade(error)) => {
            Err(Failure::unreachable(client.baseurl(), &error))
        }
        Err(Error::UnexpectedResponse(answer)) => Err(Failure::Strange(format!(
            "{} answered {}, which the Patchbay API never does: is the address right?",
            client.baseurl(),
            answer.status(),
        ))),
        Err(Error::InvalidResponsePayload(_, why)) => Err(Failure::Strange(format!(
            "{} answered what this program (version {}) cannot read: {why}",
            client.baseurl(),
            env!("CARGO_PKG_VERSION"),
        ))),
        Err(Error::Custom(why)) => Err(Failure::Strange(why)),
    }
}
