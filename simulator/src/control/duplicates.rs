//! `GET /_sim/duplicates?account=`: the proof of "exactly once", or what broke it.

use std::sync::Arc;

use poem::handler;
use poem::web::{Data, Json, Query};
use serde_json::{Value, json};

use super::Scope;
use crate::account::Account;
use crate::ledger::duplicates::Duplicate;
use crate::state::Sim;
use crate::sync::lock;

/// How many sends repeated an earlier one, and which.
#[handler]
pub(crate) fn show(Query(scope): Query<Scope>, Data(sim): Data<&Arc<Sim>>) -> Json<Value> {
    let only = scope.account.as_deref();
    let counts = sim.counts(only);
    let listed: Vec<Duplicate> = sim.accounts(only).iter().flat_map(|account| listed(account)).collect();
    Json(json!({
        "duplicates": counts.duplicates,
        "tracking_complete": counts.tracking_complete,
        "messages": listed,
    }))
}

/// The repeated texts of one account.
pub(crate) fn listed(account: &Account) -> Vec<Duplicate> {
    lock(&account.duplicates).listed().cloned().collect()
}
