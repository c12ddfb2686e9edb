//! `PUT` and `DELETE /_sim/numbers/{e164}`: breaks one number, and repairs it.

use std::sync::Arc;

use poem::handler;
use poem::http::StatusCode;
use poem::web::{Data, Json, Path};
use serde::{Deserialize, Serialize};

use crate::state::Sim;

/// How a number is broken.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    /// 3xxxx and 6xxxx: accepted, then failed; every other code: refused at the door.
    fail_with: u32,
}

/// Makes every send to or from the number fail.
#[handler]
pub(crate) fn mark(Path(number): Path<String>, Data(sim): Data<&Arc<Sim>>, Json(mark): Json<Mark>) -> Json<Mark> {
    sim.faults.break_number(&number, mark.fail_with);
    Json(mark)
}

/// Ends that.
#[handler]
pub(crate) fn repair(Path(number): Path<String>, Data(sim): Data<&Arc<Sim>>) -> StatusCode {
    if sim.faults.repair_number(&number) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}
