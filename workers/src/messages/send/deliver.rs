//! One message to its provider, and what its answer means.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use patchbay_db::TypedId;
use patchbay_db::ids::TenantId;
use patchbay_domain::consent::{ConsentAction, ConsentChange};
use patchbay_domain::contacts::ChannelKind;
use patchbay_domain::messages::MessageState;
use patchbay_domain::messages::send::{Claimed, Report};
use patchbay_domain::provider_accounts::{Opened, webhook_path};
use patchbay_providers::{
    Accepted, ErrorClass, ErrorScope, OutboundMessage, ProviderError, ProviderKind, Sender, SenderKind, Text,
    callback_url,
};
use patchbay_queue::{JobContext, JobError};
use patchbay_service::telemetry;
use url::Url;

use super::super::accounts::Client;
use super::super::report::{OPTED_OUT, error_code, failure_code, state};
use super::SendHandler;
use super::fate::{Fate, Slow, Throttle, failed, report};

/// A pause where the provider names none.
const PAUSE: Duration = Duration::from_secs(2);
/// A message throttled so often is no matter of pace: it is retried like any failure, and holds up nobody else.
const THROTTLED_MOST: i16 = 5;

/// What is the same for all sends of a run.
pub(super) struct Sendout {
    pub tenant: TenantId,
    /// When the messages were claimed.
    pub since: Instant,
    /// W3C `traceparent` of the run, in the trace of what caused the job.
    pub trace: Option<String>,
    /// Whether an error of this run uses the job's budget up.
    pub last: bool,
}

impl Sendout {
    /// Of a run that claimed at `since`. Without telemetry the provider's call continues the trace of the cause itself.
    pub(super) fn new(ctx: &JobContext, since: Instant) -> Self {
        Self {
            tenant: TenantId::from_uuid(ctx.tenant()),
            since,
            trace: telemetry::current_traceparent().or_else(|| ctx.trace().map(str::to_owned)),
            last: ctx.is_last_attempt(),
        }
    }
}

impl SendHandler {
    /// Sends `claimed`, if its time is not over.
    pub(super) async fn deliver(&self, sendout: &Sendout, claimed: &Claimed) -> Fate {
        let opened = match self.messaging.accounts.get(sendout.tenant, claimed.provider_account_id).await {
            Ok(opened) => opened,
            Err(error) => return self.give_up_or_retry(sendout, claimed, error),
        };
        let Ok(_permit) = self.permits.acquire().await else {
            return Fate::Late(report(claimed, MessageState::Queued));
        };
        if sendout.since.elapsed() > self.messaging.settings.fresh {
            return Fate::Late(report(claimed, MessageState::Queued));
        }
        let Client { provider, account } = &opened.client;
        let message = OutboundMessage {
            message_ref: claimed.id.to_string(),
            to: claimed.to_address.clone(),
            from: sender(claimed),
            body: Text::from(claimed.body.0.as_str()),
            status_callback: self.callback(provider.kind(), claimed),
            validity: None,
            traceparent: sendout.trace.clone(),
        };
        let answer = provider.send(account, &message).await;
        self.pulse.note(sendout.tenant, claimed.provider_account_id, &answer).await;
        match answer {
            Ok(accepted) => taken(provider.kind(), claimed, accepted),
            Err(error) => self.refused(sendout, claimed, &opened, &error),
        }
    }

    fn callback(&self, kind: ProviderKind, claimed: &Claimed) -> Option<Url> {
        let public = self.messaging.settings.public_url.as_str().trim_end_matches('/');
        let path = webhook_path(kind.as_str(), claimed.provider_account_id, "status");
        let base = Url::parse(&format!("{public}{path}")).ok()?;
        Some(callback_url(&base, &claimed.id.to_string()))
    }

    fn refused(&self, sendout: &Sendout, claimed: &Claimed, opened: &Opened<Client>, error: &ProviderError) -> Fate {
        let code = error_code(opened.client.provider.kind(), error);
        let text = error.text();
        match error.class {
            ErrorClass::Permanent => Fate::Failed(failed(claimed, MessageState::Failed, code, text)),
            ErrorClass::OptedOut => {
                Fate::OptedOut(failed(claimed, MessageState::Refused, code, text), opt_out(claimed, text))
            }
            ErrorClass::AuthFailed => {
                let report = failed(claimed, MessageState::Failed, code, text);
                Fate::AuthFailed(report, claimed.provider_account_id, opened.version)
            }
            ErrorClass::Throttled if claimed.attempts <= THROTTLED_MOST => {
                let wait = error.retry_after.unwrap_or(PAUSE);
                let until = self.messaging.clock.now() + TimeDelta::from_std(wait).unwrap_or(TimeDelta::seconds(2));
                let slow = match error.scope {
                    ErrorScope::Message | ErrorScope::Recipient => Slow::Message,
                    ErrorScope::Sender | ErrorScope::Region => Slow::Sender,
                    ErrorScope::Account => Slow::Account(claimed.provider_account_id),
                };
                let whose = match slow {
                    Slow::Account(account) => format!("provider account {account}"),
                    Slow::Sender | Slow::Message => format!("sender {}", claimed.from_address),
                };
                let reason = format!("rate limit of {whose}: {text}");
                Fate::Throttled(report(claimed, MessageState::Queued), Throttle { until, slow, reason })
            }
            ErrorClass::Throttled | ErrorClass::Retryable => {
                self.give_up_or_retry(sendout, claimed, JobError::retryable(code, text))
            }
            ErrorClass::Unknown => Fate::Unknown(JobError::unknown(code, text)),
        }
    }

    /// What has not left is tried again, unless the job's budget is used up.
    pub(super) fn give_up_or_retry(&self, sendout: &Sendout, claimed: &Claimed, error: JobError) -> Fate {
        if sendout.last || error.class == patchbay_queue::ErrorClass::Permanent {
            return Fate::Failed(failed(claimed, MessageState::Failed, error.code, &error.detail));
        }
        Fate::Retry(report(claimed, MessageState::Queued), error)
    }
}

/// The provider has it, which can still mean that it failed at once.
fn taken(kind: ProviderKind, claimed: &Claimed, accepted: Accepted) -> Fate {
    let state = state(accepted.status);
    let report = Report {
        provider_id: Some(accepted.provider_message_id),
        code: accepted.failure.as_ref().map(|failure| failure_code(kind, failure)),
        detail: accepted.failure.as_ref().map(|failure| failure.text.clone()),
        ..report(claimed, state)
    };
    match (state, report.code.as_deref()) {
        (MessageState::Failed | MessageState::Undelivered, Some(OPTED_OUT)) => {
            let change = opt_out(claimed, report.detail.as_deref().unwrap_or_default());
            Fate::OptedOut(report, change)
        }
        (MessageState::Failed | MessageState::Undelivered, _) => Fate::Failed(report),
        _ => Fate::Sent(report),
    }
}

/// The opt-out that the provider knew of and we did not.
fn opt_out(claimed: &Claimed, text: &str) -> ConsentChange {
    ConsentChange {
        channel: ChannelKind::Sms,
        address: claimed.to_address.clone(),
        action: ConsentAction::OptOut,
        source: "provider".to_owned(),
        evidence: Some(text.to_owned()),
        message_id: Some(claimed.id),
    }
}

/// The sender of a message, as its provider knows it.
pub(super) fn sender(claimed: &Claimed) -> Sender {
    Sender { kind: SenderKind::guess(&claimed.from_address), address: claimed.from_address.clone() }
}
