//! What pausing, resuming and limiting share: the decision and its entry in the audit log are one transaction.

use diesel_async::AsyncPgConnection;
use patchbay_db::{DbError, TypedId, Unit, ids::TenantId};
use patchbay_domain::queues::control::{self, Decision};
use patchbay_queue::{LaneName, SYSTEM_TENANT, lanes::PauseScope, ledger::controls};
use serde_json::Value;

use super::{Write, dto::QueuePause, key::operators};
use crate::http::{BodyDigest, Caller, Code, Done, Handled, Id, Problem, Written, idempotency::Once};

/// Something that was decided, with what the log says of it.
pub(super) struct Deed {
    pub(super) queue: &'static str,
    pub(super) decision: Decision,
    pub(super) whose: Option<TenantId>,
    pub(super) action: &'static str,
    pub(super) detail: Value,
}

/// What a pause is asked for.
pub(super) struct Wanted {
    pub(super) kind: Option<String>,
    pub(super) lane: Option<String>,
    pub(super) tenant_id: Option<Id<TenantId>>,
    pub(super) shared: bool,
}

/// What a pause covers, and whose it is.
///
/// # Errors
/// `forbidden` for what is the operator's; a lane without a tenant, or a kind with one, is nobody's.
pub(super) fn scope(call: &Caller<Write>, wanted: Wanted) -> Result<(PauseScope, Option<TenantId>), Problem> {
    let Wanted { kind, lane, tenant_id, shared } = wanted;
    if kind.is_some() || shared {
        operators(call, "Kinds, and lanes that all tenants share, are paused by the operator.")?;
    }
    let whose = call.whose(tenant_id)?;
    let contradiction = |pointer, detail| Err(Problem::refused(pointer, "contradiction", detail));
    match (kind, whose.map(TypedId::uuid), lane, shared) {
        (Some(kind), None, None, false) => Ok((PauseScope::Kind(kind), None)),
        (Some(_), ..) => {
            contradiction("/kind", "A kind is paused for everybody: leave tenant_id, lane and shared out.")
        }
        (None, None, None, false) => Ok((PauseScope::Queue, None)),
        (None, Some(tenant), None, false) => Ok((PauseScope::Tenant(tenant), whose)),
        (None, Some(tenant), Some(lane), false) => Ok((PauseScope::Lane(LaneName { tenant, lane }), whose)),
        (None, None, Some(lane), true) => Ok((PauseScope::Lane(LaneName { tenant: SYSTEM_TENANT, lane }), None)),
        (None, None, Some(_), false) => {
            let detail = "Lanes belong to a tenant: name it in tenant_id, or say shared for everybody's.";
            Err(Problem::refused("/tenant_id", "required", detail))
        }
        (None, _, _, true) => contradiction("/shared", "What is shared is a lane, and has no tenant_id."),
    }
}

impl Deed {
    /// Writes the decision and its entry, if the decision is the caller's.
    pub(super) async fn write(&self, conn: &mut AsyncPgConnection, call: &Caller<Write>) -> Handled<()> {
        let is_a_tenant = matches!(call, Caller::Tenant(_));
        if is_a_tenant && control::is_the_operators(conn, self.queue, &self.decision).await? {
            let detail = "The operator has decided about this, and only they may change it.";
            return Err(Problem::new(Code::Forbidden, detail).into());
        }
        control::decide(conn, self.queue, &self.decision, &call.actor()).await?;
        Ok(call.audit(conn, self.whose, self.action, self.queue.to_owned(), self.detail.clone()).await?)
    }

    /// Puts the committed decision into force.
    pub(super) async fn enforce(&self, call: &Caller<Write>) {
        control::enforce(call.app().db.dispatcher().lanes(), self.queue, &self.decision).await;
    }

    /// Does it all for a POST, and answers with what `told` makes of the pauses that are then in force.
    pub(super) async fn carry_out<R>(
        &self,
        call: &Caller<Write>,
        body: BodyDigest,
        told: impl FnOnce(Vec<QueuePause>) -> R + Send,
    ) -> Written<Done<R>>
    where
        R: poem_openapi::types::ToJSON,
    {
        let answer = match call {
            Caller::Tenant(tenant) => self.once(tenant.begin_once(body).await?, call, told).await?,
            Caller::System(system) => {
                let tx = system.begin_once("a queue is stopped or resumed by the operator", body).await?;
                self.once(tx, call, told).await?
            }
        };
        self.enforce(call).await;
        Ok(answer)
    }

    async fn once<T: Unit, R>(
        &self,
        mut tx: Once<T>,
        call: &Caller<Write>,
        told: impl FnOnce(Vec<QueuePause>) -> R + Send,
    ) -> Written<Done<R>>
    where
        R: poem_openapi::types::ToJSON,
    {
        self.write(&mut tx, call).await?;
        let pauses = controls::pauses(&mut tx, Some(self.queue)).await.map_err(DbError::from)?;
        tx.finish(Done(told(pauses.into_iter().map(QueuePause::from).collect()))).await
    }
}
