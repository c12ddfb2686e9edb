//! `messages.reconcile`: asks one provider account about messages without a final receipt, and repairs them.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use patchbay_db::ids::{MessageId, TenantId};
use patchbay_db::{DbResult, TypedId};
use patchbay_domain::messages::reconcile::{Unsettled, ask_again, due};
use patchbay_domain::messages::settle::{ProviderReport, Settling, apply};
use patchbay_domain::provider_accounts::{AccountStatus, Opened, mark_auth_failed};
use patchbay_jobs::messages::Reconcile;
use patchbay_providers::{ErrorClass, MessageState as AtProvider, ProviderError};
use patchbay_queue::ledger::progress::Progress;
use patchbay_queue::{Handler, JobContext, JobError, Outcome};

use super::accounts::Client;
use super::report::{failure_code, state};
use super::{Messaging, fault};

/// Questions under way at once: an account is also sending meanwhile.
const AT_ONCE: usize = 8;
/// Questions between two writes.
const SET: i64 = 100;

/// Settles what is due at an account.
#[derive(Debug)]
pub struct ReconcileHandler(Messaging);

/// The answers to one set of questions.
#[derive(Default)]
struct Answers {
    reports: Vec<ProviderReport>,
    open: Vec<MessageId>,
    refused: Option<ProviderError>,
}

impl ReconcileHandler {
    /// A handler.
    #[must_use]
    pub const fn new(messaging: Messaging) -> Self {
        Self(messaging)
    }

    async fn ask(&self, opened: &Opened<Client>, questions: Vec<Unsettled>) -> Answers {
        let Client { provider, account } = &opened.client;
        let asked = stream::iter(questions).map(|question| async move {
            let answer = provider.fetch(account, &question.provider_message_id).await;
            (question, answer)
        });
        let mut asked = std::pin::pin!(asked.buffer_unordered(AT_ONCE));
        let mut answers = Answers::default();
        while let Some((question, answer)) = asked.next().await {
            match answer {
                Ok(Some(found)) if found.status.is_final() => {
                    answers.reports.push(report(opened, &question, &found, self.0.clock.now()));
                }
                Ok(_) => answers.open.push(question.id),
                // Nothing more is asked of a provider that says no; what is under way is given up with it.
                Err(error) => {
                    answers.refused = Some(error);
                    break;
                }
            }
        }
        answers
    }

    async fn write(&self, opened: &Opened<Client>, answers: Answers, worker: &str) -> DbResult<()> {
        let Messaging { db, clock, settings, accounts, .. } = &self.0;
        let mut tx = db.begin(opened.tenant).await?;
        let settling = Settling { ids: db.ids(), now: clock.now(), worker, check_after: settings.check_after };
        apply(&mut tx, settling, answers.reports).await?;
        ask_again(&mut tx, &answers.open).await?;
        if answers.refused.is_some_and(|error| error.class == ErrorClass::AuthFailed) {
            mark_auth_failed(&mut tx, opened.id, opened.version).await?;
            accounts.forget(opened.id);
        }
        tx.commit().await
    }

    async fn next(&self, opened: &Opened<Client>, limit: i64) -> DbResult<Vec<Unsettled>> {
        let mut tx = self.0.db.begin_read(opened.tenant).await?;
        let next = due(&mut tx, opened.id, limit).await?;
        tx.commit().await?;
        Ok(next)
    }

    fn stop(&self, opened: &Opened<Client>, error: &ProviderError) -> Result<Outcome, JobError> {
        let kind = opened.client.provider.kind();
        let code = super::report::error_code(kind, error);
        if error.class == ErrorClass::Throttled {
            let wait = TimeDelta::from_std(error.retry_after.unwrap_or_default()).unwrap_or_default();
            let until = self.0.clock.now() + wait.max(TimeDelta::seconds(5));
            return Ok(Outcome::Snooze { until, reason: format!("rate limit of {kind}: {}", error.text()) });
        }
        if error.class == ErrorClass::AuthFailed {
            return Err(JobError::permanent(code, error.text()));
        }
        Err(JobError::retryable(code, error.text()))
    }
}

#[async_trait]
impl Handler<Reconcile> for ReconcileHandler {
    async fn run(&self, job: Reconcile, ctx: &JobContext) -> Result<Outcome, JobError> {
        let tenant = TenantId::from_uuid(ctx.tenant());
        let opened: Arc<Opened<Client>> = self.0.accounts.get(tenant, job.provider_account_id).await?;
        if opened.status != AccountStatus::Active {
            return Ok(Outcome::Done(None));
        }
        let most = i64::try_from(self.0.settings.reconcile_slice).unwrap_or(SET);
        let mut asked = 0;
        let mut progress = Progress::default();
        while asked < most && !ctx.is_cancelled() {
            let questions = self.next(&opened, SET.min(most - asked)).await.map_err(|error| fault::db(&error))?;
            if questions.is_empty() {
                break;
            }
            asked += i64::try_from(questions.len()).unwrap_or(SET);
            let answers = self.ask(&opened, questions).await;
            progress.succeeded += i32::try_from(answers.reports.len()).unwrap_or(0);
            progress.skipped += i32::try_from(answers.open.len()).unwrap_or(0);
            progress.total = progress.succeeded + progress.skipped;
            let refused = answers.refused.clone();
            self.write(&opened, answers, ctx.worker()).await.map_err(|error| fault::db(&error))?;
            ctx.progress(progress).await;
            if let Some(error) = refused {
                return self.stop(&opened, &error);
            }
        }
        Ok(Outcome::Done(None))
    }
}

fn report(opened: &Opened<Client>, question: &Unsettled, found: &AtProvider, now: DateTime<Utc>) -> ProviderReport {
    let failure = found.failure.as_ref();
    ProviderReport {
        account: opened.id,
        provider_id: question.provider_message_id.clone(),
        message: Some(question.id),
        state: state(found.status),
        code: failure.map(|failure| failure_code(opened.client.provider.kind(), failure)),
        detail: failure.map(|failure| failure.text.clone()),
        at: found.updated_at.unwrap_or(now),
        redrivable: failure.is_none_or(|failure| failure.class != ErrorClass::OptedOut),
    }
}
