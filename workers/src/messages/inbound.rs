//! `messages.inbound`: takes in what contacts wrote, in sets.

use async_trait::async_trait;
use patchbay_db::ids::{JobId, ProviderEventId, TenantId};
use patchbay_db::{DbResult, TypedId};
use patchbay_domain::keywords::Keyword;
use patchbay_domain::messages::Body;
use patchbay_domain::messages::inbound::{NewInbound, take_in};
use patchbay_domain::messages::raw::{self, Raw};
use patchbay_jobs::messages::TakeInbound;
use patchbay_providers::sms::keywords;
use patchbay_providers::{InboundMessage, ParseError, SenderKind};
use patchbay_queue::ledger::progress::Progress;
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

    /// Takes in the next messages of `job` in one transaction; answers how many webhooks were read and how many made
    /// no sense.
    async fn slice(&self, tenant: TenantId, job: JobId) -> DbResult<(i32, i32)> {
        let Messaging { db, clock, settings, .. } = &self.0;
        let limit = i64::try_from(settings.receipt_slice).unwrap_or(500);
        let mut tx = db.begin(tenant).await?;
        let raws = raw::open(&mut tx, job, limit).await?;
        let mut messages = Vec::with_capacity(raws.len());
        let mut unread = 0;
        for raw in &raws {
            match self.read(raw) {
                Ok(read) => messages.extend(read),
                Err(error) => {
                    unread += 1;
                    tracing::warn!(event = %raw.id, %error, "an inbound message could not be read; it is kept");
                }
            }
        }
        take_in(&mut tx, db.ids(), clock.now(), measure, &messages).await?;
        raw::close(&mut tx, &raws.iter().map(|raw| raw.id).collect::<Vec<ProviderEventId>>()).await?;
        tx.commit().await?;
        Ok((i32::try_from(raws.len()).unwrap_or(i32::MAX), unread))
    }

    fn read(&self, raw: &Raw) -> Result<Vec<NewInbound>, ParseError> {
        let Some((_, provider)) = self.0.provider(&raw.provider) else { return Ok(Vec::new()) };
        let read = provider.parse_inbound(&webhook::request(&raw.body, &raw.query))?;
        Ok(read.into_iter().map(|message| new_inbound(raw, message)).collect())
    }
}

#[async_trait]
impl Handler<TakeInbound> for InboundHandler {
    async fn run(&self, _: TakeInbound, ctx: &JobContext) -> Result<Outcome, JobError> {
        let (tenant, job) = (TenantId::from_uuid(ctx.tenant()), JobId::from_uuid(ctx.id()));
        let mut progress = Progress::default();
        loop {
            let (read, unread) = self.slice(tenant, job).await.map_err(|error| fault::db(&error))?;
            if read == 0 {
                let counts = webhook::all_read(&self.0.db, ctx, progress).await;
                ctx.progress(counts.map_err(|error| fault::db(&error))?).await;
                return Ok(Outcome::Done(None));
            }
            progress.total += read;
            progress.succeeded += read - unread;
            progress.failed += unread;
            // A later run counts what an earlier one left: its total is not the job's.
            if ctx.attempt() == 1 {
                ctx.progress(progress).await;
            }
        }
    }
}

fn new_inbound(raw: &Raw, message: InboundMessage) -> NewInbound {
    let found = keywords::recognise(message.body.as_str());
    let toll_free = SenderKind::guess(&message.to) == SenderKind::TollFree;
    // Whoever stopped at a toll-free number is held by the carrier, whom no other word moves.
    let held = |word: &str| toll_free && !matches!(word, "START" | "UNSTOP");
    let keyword = found.filter(|found| found.keyword != keywords::Keyword::Start || !held(found.word));
    let keyword = message.answered_keyword.or(keyword.map(|found| found.keyword));
    NewInbound {
        account: raw.provider_account_id,
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
        received_at: raw.received_at,
    }
}

const fn ours(keyword: keywords::Keyword) -> Keyword {
    match keyword {
        keywords::Keyword::Stop => Keyword::Stop,
        keywords::Keyword::Start => Keyword::Start,
        keywords::Keyword::Help => Keyword::Help,
    }
}
