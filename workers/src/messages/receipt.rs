//! `messages.receipt`: applies delivery receipts, a job's at once.

use async_trait::async_trait;
use patchbay_db::ids::{MessageId, TenantId};
use patchbay_db::{DbResult, TypedId};
use patchbay_domain::consent::{self, ConsentAction, ConsentChange};
use patchbay_domain::contacts::ChannelKind;
use patchbay_domain::events::Cause;
use patchbay_domain::messages::settle::{ProviderReport, Settled, Settling, apply};
use patchbay_jobs::messages::ApplyReceipts;
use patchbay_jobs::webhook::Webhook;
use patchbay_providers::{ErrorClass, ParseError, ProviderKind, Receipt};
use patchbay_queue::{Handler, JobContext, JobError, Outcome};

use super::report::{OPTED_OUT, failure_code, state};
use super::{Messaging, fault, webhook};

/// Applies the receipts of a job.
#[derive(Debug)]
pub struct ReceiptHandler(Messaging);

impl ReceiptHandler {
    /// A handler.
    #[must_use]
    pub const fn new(messaging: Messaging) -> Self {
        Self(messaging)
    }

    /// Applies receipts in one transaction; answers how many made no sense.
    async fn apply(&self, tenant: TenantId, webhooks: &[Webhook], worker: &str) -> DbResult<i32> {
        let Messaging { db, clock, settings, .. } = &self.0;
        let now = clock.now();
        let mut reports = Vec::with_capacity(webhooks.len());
        let mut unread = 0;
        for webhook in webhooks {
            match self.read(webhook) {
                Ok(read) => reports.extend(read),
                Err(error) => {
                    unread += 1;
                    tracing::warn!(account = %webhook.account, %error, "a receipt could not be read; its job keeps it");
                }
            }
        }
        let mut tx = db.begin(tenant).await?;
        let settling = Settling { ids: db.ids(), now, worker, check_after: settings.check_after };
        let settled = apply(&mut tx, settling, reports).await?;
        let cause = Cause { ids: db.ids(), now, request_id: None };
        for settled in settled.iter().filter(|s| s.error_code.as_deref() == Some(OPTED_OUT)) {
            consent::record(&mut tx, &cause, &opt_out(settled)).await?;
        }
        tx.commit().await?;
        Ok(unread)
    }

    fn read(&self, webhook: &Webhook) -> Result<Vec<ProviderReport>, ParseError> {
        let Some((kind, provider)) = self.0.provider(&webhook.provider) else { return Ok(Vec::new()) };
        let receipts = provider.parse_status(&webhook::request(webhook))?;
        Ok(receipts.into_iter().map(|receipt| report(kind, webhook, receipt)).collect())
    }
}

#[async_trait]
impl Handler<ApplyReceipts> for ReceiptHandler {
    // Receipts are applied by rank: a run that comes again changes nothing.
    async fn run(&self, job: ApplyReceipts, ctx: &JobContext) -> Result<Outcome, JobError> {
        let tenant = TenantId::from_uuid(ctx.tenant());
        let unread = self.apply(tenant, &job.webhooks, ctx.worker()).await.map_err(|error| fault::db(&error))?;
        ctx.progress(webhook::counts(&job.webhooks, unread)).await;
        Ok(Outcome::Done(None))
    }
}

fn report(kind: ProviderKind, webhook: &Webhook, receipt: Receipt) -> ProviderReport {
    let failure = receipt.failure.as_ref();
    ProviderReport {
        account: webhook.account,
        provider_id: receipt.provider_message_id,
        message: receipt.message_ref.and_then(|text| text.parse::<MessageId>().ok()),
        state: state(receipt.status),
        code: failure.map(|failure| failure_code(kind, failure)),
        detail: failure.map(|failure| failure.text.clone()),
        at: receipt.at.unwrap_or(webhook.received_at),
        redrivable: failure.is_none_or(|failure| failure.class != ErrorClass::OptedOut),
    }
}

/// The opt-out that a carrier knew of and we did not.
fn opt_out(settled: &Settled) -> ConsentChange {
    ConsentChange {
        channel: ChannelKind::Sms,
        address: settled.to_address.clone(),
        action: ConsentAction::OptOut,
        source: "provider".to_owned(),
        evidence: settled.error_detail.clone(),
        message_id: Some(settled.id),
    }
}
