//! The answers to keywords: one compliance message and one job each.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use patchbay_db::ids::{ContactId, JobId, MessageId};
use patchbay_db::{DbResult, Ids, Tx, TypedId};
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::sql::statement;
use patchbay_queue::{JobRequest, NewJob};

use super::super::accept::{CHANNEL, Measure, insert_outbound};
use super::super::lane;
use super::super::model::{Body, Message};
use super::super::state::{Direction, MessageClass, MessageState};
use super::NewInbound;
use crate::keywords::{Keyword, reply};

/// A keyword to be answered.
pub(super) struct Answer<'a> {
    pub keyword: Keyword,
    pub to: &'a NewInbound,
    pub contact: Option<ContactId>,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Stores and enqueues `answers`; says how many.
pub(super) async fn enqueue(
    tx: &mut Tx,
    ids: &Ids,
    now: DateTime<Utc>,
    measure: Measure,
    answers: &[Answer<'_>],
) -> DbResult<usize> {
    if answers.is_empty() {
        return Ok(0);
    }
    let tenant: Name = statement("SELECT name FROM tenants").get_result(tx).await?;
    let messages: Vec<Message> =
        answers.iter().map(|answer| message(answer, &tenant.name, ids, now, measure)).collect();
    insert_outbound(tx, &messages).await?;
    let whose = tx.tenant().uuid();
    let jobs = messages.iter().filter_map(|message| {
        let job = message.job_id?;
        let request = JobRequest::new(job.uuid(), whose, SendMessages { messages: 1 })
            .lane(lane::of(message.provider_account_id, &message.from_address))
            .cost(i32::from(message.segments))
            .subject(message.id.to_string())
            .total(1);
        Some(NewJob::from(request))
    });
    tx.enqueue_all(jobs.collect()).await?;
    Ok(messages.len())
}

fn message(answer: &Answer<'_>, tenant: &str, ids: &Ids, now: DateTime<Utc>, measure: Measure) -> Message {
    let body = reply(answer.keyword, tenant);
    Message {
        id: ids.make::<MessageId>(now),
        direction: Direction::Outbound,
        channel: CHANNEL.to_owned(),
        class: MessageClass::Compliance,
        contact_id: answer.contact,
        provider_account_id: answer.to.account,
        template_id: None,
        from_address: answer.to.to.clone(),
        to_address: answer.to.from.clone(),
        segments: measure(&body).segments,
        body: Body(body),
        state: MessageState::Queued,
        error_code: None,
        error_detail: None,
        provider_message_id: None,
        job_id: Some(ids.make::<JobId>(now)),
        attempts: 0,
        send_at: None,
        sent_at: None,
        delivered_at: None,
        created_at: now,
        updated_at: now,
    }
}
