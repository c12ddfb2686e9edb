//! `GET /_sim/sends?account=`: when sends came and were answered, to hold a client against its limits from outside.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::{Data, Query};
use poem::{Response, handler};
use serde::Serialize;

use super::Scope;
use crate::ledger::visits::Visit;
use crate::state::Sim;
use crate::sync::lock;
use crate::twilio::resource::json;

#[derive(Serialize)]
struct Found<'a> {
    sends: Vec<Seen<'a>>,
    forgotten: u64,
}

#[derive(Serialize)]
struct Seen<'a> {
    account_sid: &'a str,
    #[serde(flatten)]
    visit: Visit,
}

/// The sends of one account, or of all, each account's in the order in which they came: refused ones and broken ones too.
#[handler]
pub(crate) fn show(Query(scope): Query<Scope>, Data(sim): Data<&Arc<Sim>>) -> Response {
    let accounts = sim.accounts(scope.account.as_deref());
    let mut found = Found { sends: Vec::new(), forgotten: 0 };
    for account in &accounts {
        let visits = lock(&account.visits);
        found.forgotten += visits.forgotten();
        found.sends.extend(visits.kept().map(|visit| Seen { account_sid: &account.sid, visit }));
    }
    json(StatusCode::OK, &found)
}
