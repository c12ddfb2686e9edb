//! `POST /v1/messages`.
//!
//! Without an idempotency key it shares a transaction with the messages beside it (`group.rs`), each with its own
//! answer.

use patchbay_domain::messages::accept::{Call as Wanted, Mode, Verdict, accept};
use patchbay_domain::messages::get;
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::Job as _;
use patchbay_service::telemetry::current_traceparent;
use poem::Request;
use poem_openapi::OpenApi;

use super::{
    Write,
    draft::{Fields, MessageCreate, draft, measure, send_at},
    dto::Message,
    refused,
};
use crate::{
    http::{
        Accepted, Body, Call, Code, FieldError, Handled, Problem, Written, idempotency,
        reply::{Answer, Reply},
    },
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Create;

#[OpenApi]
impl Create {
    /// Send a message
    ///
    /// Answers once the message and its job are stored. Refused at once with 422: a recipient who opted out
    /// (`recipient_opted_out`), is suppressed (`recipient_suppressed`) or, for marketing, has not opted in
    /// (`recipient_not_opted_in`); variables that do not fit the template (`template_variables`); and a tenant without a
    /// usable sender (`no_sender`). Consent is checked again when the message is sent.
    #[oai(path = "/v1/messages", method = "post", operation_id = "messages_create", tag = "Tag::Messages")]
    async fn run(&self, call: Call<Write>, request: &Request, body: Body<MessageCreate>) -> Written<Accepted<Message>> {
        let digest = body.digest();
        let wanted = wanted(body.into_inner(), &call).map_err(|error| {
            let detail = error.detail.clone();
            Problem::new(Code::ValidationFailed, detail).with_errors(vec![error])
        })?;
        let answer = if request.headers().contains_key(idempotency::HEADER) {
            let mut tx = call.begin_once(digest).await?;
            call.admit(&mut tx, SendMessages::QUEUE, 1).await?;
            let verdicts = accept(&mut tx, call.app.db.ids(), call.now, measure, vec![wanted]).await?;
            let (job, reply) = reply(verdicts.into_iter().next())?;
            (job, tx.finish(reply).await?)
        } else {
            let verdict = call.app.acceptor.accept(call.tenant(), wanted).await?;
            let (job, reply) = reply(Some(verdict))?;
            (job, Answer::of(reply.render()))
        };
        let ((job, id), answer) = answer;
        if call.ended(job).await? {
            let mut tx = call.read().await?;
            let message = get::get(&mut tx, id).await?;
            tx.commit().await?;
            return Ok(answer.with_record(&message.into()));
        }
        Ok(answer)
    }
}

type Ids = (patchbay_db::ids::JobId, patchbay_db::ids::MessageId);

fn wanted(body: MessageCreate, call: &Call<Write>) -> Result<Wanted, FieldError> {
    let send_at = send_at(body.send_at, call.now)?;
    let MessageCreate { contact_id, to, template, variables, body: text, .. } = body;
    let fields = Fields { contact_id, to, template, variables, body: text };
    Ok(Wanted {
        from: body.from,
        send_at,
        mode: Mode::Strict,
        drafts: vec![draft(fields, body.class)?],
        trace: current_traceparent(),
        request_id: Some(call.request_id().to_owned()),
    })
}

fn reply(verdict: Option<Verdict>) -> Handled<(Ids, Accepted<Message>)> {
    match verdict {
        Some(Verdict::Accepted { job, results }) => {
            let message = results.into_iter().flatten().next();
            let message = message.ok_or_else(|| Problem::internal("a call was accepted without its message"))?;
            let ids = (job, message.id);
            Ok((ids, Accepted { job, run_at: message.send_at, record: message.into() }))
        }
        Some(Verdict::Refused(refusals)) => Err(refused::single(refusals).into()),
        None => Err(Problem::internal("a call has no verdict").into()),
    }
}
