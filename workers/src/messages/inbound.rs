//! `messages.inbound`: takes in what contacts wrote, in sets.

use async_trait::async_trait;
use patchbay_db::ids::TenantId;
use patchbay_db::{DbResult, TypedId};
use patchbay_domain::keywords::Keyword;
use patchbay_domain::messages::Body;
use patchbay_domain::messages::inbound::{NewInbound, take_in};
use patchbay_jobs::messages::TakeInbound;
use patchbay_jobs::webhook::Webhook;
use patchbay_providers::sms::keywords;
use patchbay_providers::{InboundMessage, ParseError, SenderKind};
use patchbay_queue::{Handler, JobContext, JobError, Outcome};

use super::{Messaging, fault, measure, webhook};

/// Takes in the inbound messages of a job.
#[derive(Debug)]
pub struct InboundHandler(Messaging);

impl InboundHandler {
    /// A handler.
    #[must_use]
    pub const fn new(messaging: Messaging) -> Self {
        Self(messaging)
    }

    /// Takes in messages in one transaction; answers how many webhooks made no sense.
    async fn take(&self, tenant: TenantId, webhooks: &[Webhook]) -> DbResult<i32> {
        let Messaging { db, clock, .. } = &self.0;
        let mut messages = Vec::with_capacity(webhooks.len());
        let mut unread = 0;
        for webhook in webhooks {
            match self.read(webhook) {
                Ok(read) => messages.extend(read),
                Err(error) => {
                    unread += 1;
                    tracing::warn!(account = %webhook.account, %error, "an inbound message could not be read; its job keeps it");
                }
            }
        }
        let mut tx = db.begin(tenant).await?;
        take_in(&mut tx, db.ids(), clock.now(), measure, &messages).await?;
        tx.commit().await?;
        Ok(unread)
    }

    fn read(&self, webhook: &Webhook) -> Result<Vec<NewInbound>, ParseError> {
        let Some((_, provider)) = self.0.provider(&webhook.provider) else { return Ok(Vec::new()) };
        let read = provider.parse_inbound(&webhook::request(webhook))?;
        Ok(read.into_iter().map(|message| new_inbound(webhook, message)).collect())
    }
}

#[async_trait]
impl Handler<TakeInbound> for InboundHandler {
    // What is on record is not taken in twice: a run that comes again changes nothing.
    async fn run(&self, job: TakeInbound, ctx: &JobContext) -> Result<Outcome, JobError> {
        let tenant = TenantId::from_uuid(ctx.tenant());
        let unread = self.take(tenant, &job.webhooks).await.map_err(|error| fault::db(&error))?;
        ctx.progress(webhook::counts(&job.webhooks, unread)).await;
        Ok(Outcome::Done(None))
    }
}

fn new_inbound(webhook: &Webhook, message: InboundMessage) -> NewInbound {
    let found = keywords::recognise(message.body.as_str());
    let toll_free = SenderKind::guess(&message.to) == SenderKind::TollFree;
    // Whoever stopped at a toll-free number is held by the carrier, whom no other word moves.
    let held = |word: &str| toll_free && !matches!(word, "START" | "UNSTOP");
    let keyword = found.filter(|found| found.keyword != keywords::Keyword::Start || !held(found.word));
    let keyword = message.answered_keyword.or(keyword.map(|found| found.keyword));
    NewInbound {
        account: webhook.account,
        provider_id: message.provider_message_id,
        from: message.from,
        to: message.to,
        segments: message
            .segments
            .and_then(|n| i16::try_from(n).ok())
            .unwrap_or_else(|| measure(message.body.as_str()).segments),
        body: Body(message.body.into_string()),
        keyword: keyword.map(ours),
        lifts_only: found.is_some_and(|found| found.word == "YES"),
        answered: message.answered_keyword.is_some(),
        toll_free,
        received_at: webhook.received_at,
    }
}

const fn ours(keyword: keywords::Keyword) -> Keyword {
    match keyword {
        keywords::Keyword::Stop => Keyword::Stop,
        keywords::Keyword::Start => Keyword::Start,
        keywords::Keyword::Help => Keyword::Help,
    }
}
