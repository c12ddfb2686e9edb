//! The generated client, and the one thing that it lacks: the answer as it came.
//!
//! `--json` promises the API's own JSON, with fields that this program is too old to know, so the body is kept on its
//! way ([`Kept`]) while the generated code reads it into its types. Rejected: printing the types again, which would
//! drop what is new.

use std::{
    fmt::{Debug, Formatter},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use progenitor_client::{ClientHooks, ClientInfo as _, OperationInfo};
use reqwest::{Request, Response, header::CONTENT_TYPE};

#[expect(
    unused_qualifications,
    unused_imports,
    clippy::unwrap_used,
    clippy::uninlined_format_args,
    clippy::implicit_clone,
    clippy::redundant_clone,
    reason = "generated: it is not ours to tidy"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

/// The words that arguments may be.
pub mod words {
    include!(concat!(env!("OUT_DIR"), "/words.rs"));
}

pub use generated::{Client, Error, ResponseValue, types};

/// The last answer as it came. A program that makes one call after the other needs no more.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Bytes>>);

impl Kept {
    fn put(&self, body: Bytes) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body;
    }

    /// Takes it.
    pub fn take(&self) -> Bytes {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Debug for Kept {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str("Kept")
    }
}

impl ClientHooks<Kept> for Client {
    async fn exec(&self, request: Request, _info: &OperationInfo) -> reqwest::Result<Response> {
        let answer = self.client().execute(request).await?;
        if !is_json(&answer) {
            // A file, which may be larger than memory.
            return Ok(answer);
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await?;
        self.inner().put(body.clone());
        let mut whole = http::Response::new(body);
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole.into())
    }
}

fn is_json(answer: &Response) -> bool {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind == "application/json" || kind.ends_with("+json")
}
