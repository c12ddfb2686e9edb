//! `POST /_sim/reset`: forgets what happened and every fault; accounts keep their settings and tokens.

use std::sync::Arc;

use poem::handler;
use poem::http::StatusCode;
use poem::web::Data;

use crate::state::Sim;

/// Back to the first day.
#[handler]
pub(crate) fn reset(Data(sim): Data<&Arc<Sim>>) -> StatusCode {
    sim.reset();
    StatusCode::NO_CONTENT
}
