//! `GET /metrics`: the counts over all accounts, for Prometheus.

use std::sync::Arc;

use poem::web::Data;
use poem::{Response, handler};

use crate::metrics;
use crate::state::Sim;

/// The counts as Prometheus text.
#[handler]
pub(crate) fn show(Data(sim): Data<&Arc<Sim>>) -> Response {
    let body = metrics::render(&sim.counts(None));
    Response::builder().content_type("text/plain; version=0.0.4").body(body)
}
