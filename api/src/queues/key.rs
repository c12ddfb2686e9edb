//! Which key of a queue is meant: a tenant's lane or a prefix of it, a tenant as a whole, or what all tenants share.

use patchbay_db::{TypedId, ids::TenantId};
use patchbay_domain::queues;
use patchbay_queue::{LaneName, SYSTEM_TENANT, lanes::EVERY_QUEUE};

use crate::http::{Caller, Code, Id, Problem, scope::Scope};

/// In a path: all lanes of a tenant together, or all queues.
pub(super) const ALL: &str = "*";

/// Whose keys are meant.
pub(super) enum Whose {
    /// One tenant's.
    Tenant(TenantId),
    /// What all tenants share.
    Shared,
}

impl Whose {
    /// Of a call that may say `shared`, which is the operator's to say.
    ///
    /// # Errors
    /// `forbidden`; as `Caller::one_of`.
    pub(super) fn of<S: Scope>(
        call: &Caller<S>,
        tenant: Option<Id<TenantId>>,
        shared: Option<bool>,
    ) -> Result<Self, Problem> {
        if shared != Some(true) {
            return Ok(Self::Tenant(call.one_of(tenant)?));
        }
        operators(call, "What all tenants share is set by the operator.")?;
        if tenant.is_some() {
            let detail = "What all tenants share has no tenant_id.";
            return Err(Problem::refused("tenant_id", "shared", detail));
        }
        Ok(Self::Shared)
    }

    /// For the log.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Tenant(tenant) => Some(*tenant),
            Self::Shared => None,
        }
    }

    /// The key at `path`.
    ///
    /// # Errors
    /// `validation_failed`.
    pub(super) fn key(&self, path: &str) -> Result<LaneName, Problem> {
        let is_fit = path.chars().count() <= 200 && !path.chars().any(char::is_control);
        if !is_fit {
            let detail = "A lane's name has at most 200 characters, none of them control characters.";
            return Err(Problem::refused("lane", "invalid", detail));
        }
        let lane = if path == ALL { String::new() } else { path.to_owned() };
        Ok(LaneName { tenant: self.tenant().map_or(SYSTEM_TENANT, TypedId::uuid), lane })
    }
}

/// Refuses a tenant's key what is the operator's.
///
/// # Errors
/// `forbidden`.
pub(super) fn operators<S>(call: &Caller<S>, detail: &str) -> Result<(), Problem> {
    match call {
        Caller::Tenant(_) => Err(Problem::new(Code::Forbidden, detail)),
        Caller::System(_) => Ok(()),
    }
}

/// The queue called `name`, if the caller has one of this name; `*` for all of them.
pub(super) fn one_or_all<S: Scope>(call: &Caller<S>, name: &str) -> Result<&'static str, Problem> {
    if name == ALL { Ok(EVERY_QUEUE) } else { known(call, name) }
}

/// The queue called `name`, if the caller has one of this name.
pub(super) fn known<S: Scope>(call: &Caller<S>, name: &str) -> Result<&'static str, Problem> {
    let found = queues::names(call.tenant().is_none()).into_iter().find(|known| *known == name);
    found.ok_or_else(|| Problem::new(Code::NotFound, "There is no queue with this name."))
}
