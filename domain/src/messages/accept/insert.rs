//! Storing what was accepted: the messages of all calls in one statement, their jobs in another.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Int2, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;
use patchbay_db::error::expect_rows;
use patchbay_db::ids::{JobId, MessageId, TenantId};
use patchbay_db::{DbResult, Ids, Tx, TypedId};
use patchbay_jobs::messages::SendMessages;
use patchbay_queue::sql::statement;
use patchbay_queue::{JobRequest, NewJob};

use super::super::lane;
use super::super::model::Message;
use super::super::state::{Direction, MessageState};
use super::{CHANNEL, Call, Composed, Passed, Verdict};

/// What is to be stored.
#[derive(Default)]
pub(super) struct Accepted {
    messages: Vec<Message>,
    jobs: Vec<NewJob>,
}

impl Accepted {
    /// Adds the messages of one call and their job.
    pub fn add(&mut self, tenant: TenantId, ids: &Ids, now: DateTime<Utc>, call: &Call, composed: Composed) -> Verdict {
        let job: JobId = ids.make(now);
        let Composed { from, items } = composed;
        let make = |passed: Passed| Message {
            id: ids.make::<MessageId>(now),
            direction: Direction::Outbound,
            channel: CHANNEL.to_owned(),
            class: passed.class,
            contact_id: passed.contact,
            provider_account_id: from.provider_account_id,
            template_id: passed.template,
            from_address: from.address.clone(),
            to_address: passed.address,
            body: passed.body,
            segments: passed.segments,
            state: MessageState::Queued,
            error_code: None,
            error_detail: None,
            provider_message_id: None,
            job_id: Some(job),
            attempts: 0,
            send_at: call.send_at,
            sent_at: None,
            delivered_at: None,
            created_at: now,
            updated_at: now,
        };
        let results: Vec<_> = items.into_iter().map(|item| item.map(make)).collect();
        let mine: Vec<&Message> = results.iter().flatten().collect();
        let total = i32::try_from(mine.len()).unwrap_or(i32::MAX);
        let mut request = JobRequest::new(job.uuid(), tenant.uuid(), SendMessages { messages: total })
            .lane(lane::of(from.provider_account_id, &from.address))
            .run_at(call.send_at)
            .total(total)
            .caused_by(call.trace.clone(), call.request_id.clone());
        request = match mine[..] {
            // One message is charged when its job is taken; the messages of a batch slice by slice, as they go out.
            [only] => request.cost(i32::from(only.segments)).subject(only.id.to_string()),
            _ => request.cost(0),
        };
        self.jobs.push(request.into());
        self.messages.extend(mine.into_iter().cloned());
        Verdict::Accepted { job, results }
    }

    /// Writes all of it.
    pub async fn store(self, tx: &mut Tx) -> DbResult<()> {
        if self.messages.is_empty() {
            return Ok(());
        }
        insert(tx, &self.messages).await?;
        tx.enqueue_all(self.jobs).await?;
        Ok(())
    }
}

/// Writes outbound messages.
pub(crate) async fn insert(tx: &mut Tx, messages: &[Message]) -> DbResult<()> {
    let tenant = tx.tenant();
    let rows = statement(include_str!("insert.sql"))
        .bind::<Uuid, _>(tenant)
        .bind::<Text, _>(CHANNEL)
        .bind::<Array<Timestamptz>, _>(column(messages, |m| m.created_at))
        .bind::<Array<Uuid>, _>(column(messages, |m| m.id))
        .bind::<Array<Text>, _>(column(messages, |m| m.class.as_str()))
        .bind::<Array<Nullable<Uuid>>, _>(column(messages, |m| m.contact_id))
        .bind::<Array<Uuid>, _>(column(messages, |m| m.provider_account_id))
        .bind::<Array<Nullable<Uuid>>, _>(column(messages, |m| m.template_id))
        .bind::<Array<Text>, _>(column(messages, |m| m.from_address.as_str()))
        .bind::<Array<Text>, _>(column(messages, |m| m.to_address.as_str()))
        .bind::<Array<Text>, _>(column(messages, |m| m.body.0.as_str()))
        .bind::<Array<Int2>, _>(column(messages, |m| m.segments))
        .bind::<Array<Nullable<Uuid>>, _>(column(messages, |m| m.job_id))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(messages, |m| m.send_at))
        .execute(tx)
        .await?;
    expect_rows(messages.len(), rows)
}

fn column<'a, T>(messages: &'a [Message], field: impl Fn(&'a Message) -> T) -> Vec<T> {
    messages.iter().map(field).collect()
}
