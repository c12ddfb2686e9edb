//! What one request gathers on its way in and its answer needs on the way out.
//!
//! The front door makes it, before anything can fail; extractors fill it in; the front door reads it when the answer
//! leaves. This is how a 500 still has its request id and a 404 its rate-limit headers.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use patchbay_db::ids::TenantId;

use super::limits::Budget;

/// The shared notes of one request; cheap to clone.
#[derive(Debug, Clone)]
pub struct Exchange(Arc<Notes>);

#[derive(Debug)]
struct Notes {
    request_id: String,
    tenant: OnceLock<TenantId>,
    budget: Mutex<Option<Budget>>,
}

impl Exchange {
    /// The notes of a request that has nothing but its id.
    #[must_use]
    pub fn new(request_id: String) -> Self {
        Self(Arc::new(Notes { request_id, tenant: OnceLock::new(), budget: Mutex::new(None) }))
    }

    /// The id of the request, accepted or made.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// The tenant, once the key is known.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        self.0.tenant.get().copied()
    }

    /// Notes whose request this is; the first call wins.
    pub fn set_tenant(&self, tenant: TenantId) {
        self.0.tenant.get_or_init(|| tenant);
    }

    /// What is left of the caller's rate limits, if they were charged.
    #[must_use]
    pub fn budget(&self) -> Option<Budget> {
        *self.0.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is left of the caller's rate limits.
    pub fn set_budget(&self, budget: Budget) {
        *self.0.budget.lock().unwrap_or_else(PoisonError::into_inner) = Some(budget);
    }
}
