//! `messages.receipt`: applies stored delivery receipts, in sets.

use async_trait::async_trait;
use patchbay_db::ids::{JobId, MessageId, ProviderEventId, TenantId};
use patchbay_db::{DbResult, TypedId};
use patchbay_domain::consent::{self, ConsentAction, ConsentChange};
use patchbay_domain::contacts::ChannelKind;
use patchbay_domain::events::Cause;
use patchbay_domain::messages::raw::{self, Raw};
use patchbay_domain::messages::settle::{ProviderReport, Settled, Settling, apply};
use patchbay_jobs::messages::ApplyReceipts;
use patchbay_providers::{ErrorClass, ParseError, ProviderKind, Receipt};
use patchbay_queue::ledger::progress::Progress;
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

    /// Applies the next receipts of `job` in one transaction; answers how many were read and how many made no sense.
    async fn slice(&self, tenant: TenantId, job: JobId, worker: &str) -> DbResult<(i32, i32)> {
        let Messaging { db, clock, settings, .. } = &self.0;
        let limit = i64::try_from(settings.receipt_slice).unwrap_or(500);
        let now = clock.now();
        let mut tx = db.begin(tenant).await?;
        let raws = raw::open(&mut tx, job, limit).await?;
        let mut reports = Vec::with_capacity(raws.len());
        let mut unread = 0;
        for raw in &raws {
            match self.read(raw) {
                Ok(read) => reports.extend(read),
                Err(error) => {
                    unread += 1;
                    tracing::warn!(event = %raw.id, %error, "a receipt could not be read; it is kept");
                }
            }
        }
        let settling = Settling { ids: db.ids(), now, worker, check_after: settings.check_after };
        let settled = apply(&mut tx, settling, reports).await?;
        let cause = Cause { ids: db.ids(), now, request_id: None };
        for settled in settled.iter().filter(|s| s.error_code.as_deref() == Some(OPTED_OUT)) {
            consent::record(&mut tx, &cause, &opt_out(settled)).await?;
        }
        raw::close(&mut tx, &raws.iter().map(|raw| raw.id).collect::<Vec<ProviderEventId>>()).await?;
        tx.commit().await?;
        Ok((i32::try_from(raws.len()).unwrap_or(i32::MAX), unread))
    }

    fn read(&self, raw: &Raw) -> Result<Vec<ProviderReport>, ParseError> {
        let Some((kind, provider)) = self.0.provider(&raw.provider) else { return Ok(Vec::new()) };
        let receipts = provider.parse_status(&webhook::request(&raw.body, &raw.query))?;
        Ok(receipts.into_iter().map(|receipt| report(kind, raw, receipt)).collect())
    }
}

#[async_trait]
impl Handler<ApplyReceipts> for ReceiptHandler {
    async fn run(&self, _: ApplyReceipts, ctx: &JobContext) -> Result<Outcome, JobError> {
        let (tenant, job) = (TenantId::from_uuid(ctx.tenant()), JobId::from_uuid(ctx.id()));
        let mut progress = Progress::default();
        loop {
            let slice = self.slice(tenant, job, ctx.worker()).await;
            let (read, unread) = slice.map_err(|error| fault::db(&error))?;
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

fn report(kind: ProviderKind, raw: &Raw, receipt: Receipt) -> ProviderReport {
    let failure = receipt.failure.as_ref();
    ProviderReport {
        account: raw.provider_account_id,
        provider_id: receipt.provider_message_id,
        message: receipt.message_ref.and_then(|text| text.parse::<MessageId>().ok()),
        state: state(receipt.status),
        code: failure.map(|failure| failure_code(kind, failure)),
        detail: failure.map(|failure| failure.text.clone()),
        at: receipt.at.unwrap_or(raw.received_at),
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
