//! What pausing, resuming and limiting share: the decision and its entry in the audit log are one transaction.

use diesel_async::AsyncPgConnection;
use patchbay_db::ids::TenantId;
use patchbay_domain::{
    audit,
    queues::control::{self, Decision},
};
use patchbay_queue::{LaneName, lanes::PauseScope, ledger::controls};
use serde_json::Value;

use super::{
    Write,
    caller::{Caller, log_of},
    dto::{QueuePause, QueuePauses},
};
use crate::http::{
    BodyDigest, Done, Handled, Problem, Written,
    idempotency::{Once, Unit},
};

/// Something that was decided, with what the log says of it.
pub(super) struct Deed {
    pub(super) queue: &'static str,
    pub(super) decision: Decision,
    pub(super) whose: Option<TenantId>,
    pub(super) action: &'static str,
    pub(super) detail: Value,
}

/// What a pause covers.
///
/// # Errors
/// A lane without a tenant is nobody's.
pub(super) fn scope(whose: Option<TenantId>, lane: Option<String>) -> Result<PauseScope, Problem> {
    use patchbay_db::TypedId;
    match (whose.map(TypedId::uuid), lane) {
        (None, None) => Ok(PauseScope::Queue),
        (Some(tenant), None) => Ok(PauseScope::Tenant(tenant)),
        (Some(tenant), Some(lane)) => Ok(PauseScope::Lane(LaneName { tenant, lane })),
        (None, Some(_)) => {
            Err(Problem::refused("/tenant_id", "required", "Lanes belong to a tenant: name it in tenant_id."))
        }
    }
}

impl Deed {
    /// Writes the decision and its entry.
    pub(super) async fn write(&self, conn: &mut AsyncPgConnection, call: &Caller<Write>) -> Handled<()> {
        control::decide(conn, self.queue, &self.decision, &call.actor()).await?;
        let entry = audit::Entry {
            id: call.app().db.new_id(call.now()),
            tenant: log_of(self.whose),
            actor: &call.actor(),
            action: self.action,
            subject: self.queue.to_owned(),
            detail: self.detail.clone(),
            request_id: call.request_id(),
            at: call.now(),
        };
        Ok(audit::record(conn, entry).await?)
    }

    /// Puts the committed decision into force.
    pub(super) async fn enforce(&self, call: &Caller<Write>) {
        control::enforce(call.app().db.dispatcher().lanes(), self.queue, &self.decision).await;
    }

    /// Does it all for a POST, and answers with the pauses that are then in force.
    pub(super) async fn carry_out(&self, call: &Caller<Write>, body: BodyDigest) -> Written<Done<QueuePauses>> {
        let answer = match call {
            Caller::Tenant(tenant) => self.once(tenant.begin_once(body).await?, call).await?,
            Caller::System(system) => {
                self.once(system.begin_once("a queue is stopped or resumed by the operator", body).await?, call).await?
            }
        };
        self.enforce(call).await;
        Ok(answer)
    }

    async fn once<T: Unit>(&self, mut tx: Once<T>, call: &Caller<Write>) -> Written<Done<QueuePauses>> {
        self.write(&mut tx, call).await?;
        let pauses = controls::pauses(&mut tx, Some(self.queue)).await.map_err(patchbay_db::DbError::from)?;
        let pauses = pauses.into_iter().map(QueuePause::from).collect();
        tx.finish(Done(QueuePauses { queue: self.queue.to_owned(), pauses })).await
    }
}
