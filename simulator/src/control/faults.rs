//! `PUT`, `GET`, `DELETE /_sim/faults?account=`: what goes wrong, for all or for one account.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::{Data, Json, Query};
use poem::{IntoResponse, Response, handler};

use super::Scope;
use crate::faults::Faults;
use crate::state::Sim;
use crate::twilio::errors::TwilioError;

/// Replaces the faults.
#[handler]
pub(crate) fn set(Query(scope): Query<Scope>, Data(sim): Data<&Arc<Sim>>, Json(faults): Json<Faults>) -> Response {
    let account = scope.account.as_deref();
    match sim.faults.set(account, faults) {
        Ok(()) => Json(sim.faults.get(account)).into_response(),
        Err(why) => TwilioError::parameter(why).into_response(),
    }
}

/// The faults as they were set.
#[handler]
pub(crate) fn show(Query(scope): Query<Scope>, Data(sim): Data<&Arc<Sim>>) -> Json<Faults> {
    Json(sim.faults.get(scope.account.as_deref()))
}

/// Removes the faults. Marked numbers stay marked.
#[handler]
pub(crate) fn unset(Query(scope): Query<Scope>, Data(sim): Data<&Arc<Sim>>) -> StatusCode {
    sim.faults.unset(scope.account.as_deref());
    StatusCode::NO_CONTENT
}
