//! Messages that an earlier run left in `sending`: the provider is asked before anything is sent again.
//!
//! Found: recorded as if the answer had come. Not found, and nothing can be on its way any more: queued again. Not
//! found, but too early to believe it: the job waits. A message found is not taken where it belongs to another of
//! ours, or where an equal text to the same person is under way and may be what was found.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use patchbay_db::ids::{MessageId, ProviderAccountId};
use patchbay_domain::messages::send::{Claimed, Known, Report, known};
use patchbay_domain::messages::{Body, MessageState};
use patchbay_providers::{ErrorClass, FoundMessage, LookUp, ProviderError, ProviderKind, Text};
use patchbay_queue::JobError;

use super::super::fault;
use super::super::report::{error_code, failure_code, state};
use super::SendHandler;
use super::deliver::{Sendout, sender};
use super::fate::{Fate, report};

impl SendHandler {
    /// The fates of uncertain messages, in their order.
    pub(super) async fn look_up(&self, sendout: &Sendout, uncertain: &[Claimed]) -> Result<Vec<Fate>, JobError> {
        let mut found = Vec::with_capacity(uncertain.len());
        for message in uncertain {
            found.push(self.candidates(sendout, message).await?);
        }
        let known = self.known(sendout, uncertain, &found).await?;
        let mut taken: HashSet<String> = HashSet::new();
        let mut fates = Vec::with_capacity(uncertain.len());
        for (message, (kind, candidates)) in uncertain.iter().zip(found) {
            let free = |id: &String| !known.taken.contains(id) && !taken.contains(id);
            let hit = candidates.into_iter().find(|candidate| free(&candidate.state.provider_message_id));
            fates.push(match hit {
                Some(_) if known.twins.contains(&message.id) => Fate::NotBefore(self.judged_at(message)),
                Some(hit) => {
                    taken.insert(hit.state.provider_message_id.clone());
                    as_sent(kind, message, hit)
                }
                None if message.settled => Fate::Late(report(message, MessageState::Queued)),
                None => Fate::NotBefore(self.judged_at(message)),
            });
        }
        Ok(fates)
    }

    /// When nothing of this message's last attempt can be on its way any more.
    fn judged_at(&self, message: &Claimed) -> DateTime<Utc> {
        let now = self.messaging.clock.now();
        let settle = TimeDelta::from_std(self.settle).unwrap_or(TimeDelta::minutes(1));
        let at = message.attempted_at.unwrap_or(now) + settle;
        at.max(now) + TimeDelta::milliseconds(500)
    }

    async fn candidates(
        &self,
        sendout: &Sendout,
        message: &Claimed,
    ) -> Result<(ProviderKind, Vec<FoundMessage>), JobError> {
        let opened = self.messaging.accounts.get(sendout.tenant, message.provider_account_id).await?;
        let now = self.messaging.clock.now();
        let provider = &opened.client.provider;
        let wanted = LookUp {
            to: message.to_address.clone(),
            from: sender(message),
            body: Text::from(text(&message.body)),
            after: message.attempted_at.unwrap_or(now),
            before: now,
            exclude: message.past_provider_ids.iter().cloned().collect(),
            traceparent: sendout.trace.clone(),
        };
        let found = provider.look_up(&opened.client.account, &wanted).await;
        found.map(|found| (provider.kind(), found)).map_err(|error| self.not_known(provider.kind(), &error))
    }

    /// A look-up that failed says nothing about the message: the job tries again.
    fn not_known(&self, kind: ProviderKind, error: &ProviderError) -> JobError {
        let code = error_code(kind, error);
        match (error.class, error.retry_after) {
            (ErrorClass::Throttled, wait) => {
                let wait = TimeDelta::from_std(wait.unwrap_or_default()).unwrap_or_default();
                let until = self.messaging.clock.now() + wait.max(TimeDelta::seconds(1));
                JobError::throttled(until, code, error.text())
            }
            _ => JobError::retryable(code, error.text()),
        }
    }

    async fn known(
        &self,
        sendout: &Sendout,
        uncertain: &[Claimed],
        found: &[(ProviderKind, Vec<FoundMessage>)],
    ) -> Result<Known, JobError> {
        let mut by_account: HashMap<ProviderAccountId, (Vec<MessageId>, Vec<String>)> = HashMap::new();
        for (message, (_, candidates)) in uncertain.iter().zip(found) {
            let (messages, ids) = by_account.entry(message.provider_account_id).or_default();
            messages.push(message.id);
            ids.extend(candidates.iter().map(|candidate| candidate.state.provider_message_id.clone()));
        }
        let read = async {
            let mut all = Known::default();
            let mut tx = self.messaging.db.begin_read(sendout.tenant).await?;
            for (account, (messages, ids)) in by_account {
                let Known { taken, twins } = known(&mut tx, account, &messages, &ids, self.settle).await?;
                all.taken.extend(taken);
                all.twins.extend(twins);
            }
            tx.commit().await?;
            Ok(all)
        };
        read.await.map_err(|error| fault::db(&error))
    }
}

fn text(body: &Body) -> &str {
    &body.0
}

fn as_sent(kind: ProviderKind, message: &Claimed, hit: FoundMessage) -> Fate {
    let state = state(hit.state.status);
    let report = Report {
        provider_id: Some(hit.state.provider_message_id),
        code: hit.state.failure.as_ref().map(|failure| failure_code(kind, failure)),
        detail: hit.state.failure.as_ref().map(|failure| failure.text.clone()),
        ..report(message, state)
    };
    if matches!(state, MessageState::Failed | MessageState::Undelivered) {
        Fate::Failed(report)
    } else {
        Fate::Sent(report)
    }
}
