//! `GET /_sim/counts?account=`: what was asked and what came of it.

use std::sync::Arc;

use poem::handler;
use poem::web::{Data, Json, Query};

use super::Scope;
use crate::ledger::counts::Counts;
use crate::state::Sim;

/// The counts of one account, or of all.
#[handler]
pub(crate) fn show(Query(scope): Query<Scope>, Data(sim): Data<&Arc<Sim>>) -> Json<Counts> {
    Json(sim.counts(scope.account.as_deref()))
}
