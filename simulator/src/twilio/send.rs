//! `POST …/Messages.json`: takes a message on, or does to the client what it was told to do.
//!
//! The order matters and is the same for every fault: read, decide, delay, refuse, accept, and only then play with the
//! answer. So whatever happens to an answer, the ledger already says whether the message exists.

use std::sync::Arc;
use std::time::Duration;

use poem::http::StatusCode;
use poem::web::{Data, Path};
use poem::{Body, IntoResponse, Request, Response, handler};
use tokio::time::Instant;

use super::auth::authenticate;
use super::draft::Order;
use super::errors::TwilioError;
use super::line::Line;
use super::resource::{Resource, json};
use super::throughput::Place;
use crate::account::Account;
use crate::account::settings::{Overflow, Throughput};
use crate::flight::Flight;
use crate::ledger::visits::Visiting;
use crate::message::Message;
use crate::plan::{Answer, Before, Outcome, Plan};
use crate::state::Sim;
use crate::sync::lock;
use crate::wire::Cut;

/// A send's form may be so long: 1,600 characters of 4 bytes, percent-encoded, and room for the rest.
const MAX_FORM: usize = 64 * 1024;

enum Refusal {
    Error(TwilioError),
    Reset,
}

impl From<TwilioError> for Refusal {
    fn from(error: TwilioError) -> Self {
        Self::Error(error)
    }
}

/// Twilio's "create a Message".
#[handler]
pub(crate) async fn send(
    request: &Request,
    Path(sid): Path<String>,
    Data(sim): Data<&Arc<Sim>>,
    body: Body,
) -> Response {
    let account = match authenticate(sim, request, &sid) {
        Ok(account) => account,
        Err(error) => {
            sim.strangers.requests.one();
            sim.strangers.rejected.one(error.code);
            return error.into_response();
        }
    };
    account.counters.requests.one();
    let _under_way = Visiting::begin(&account);
    let (message, answer) = match take(sim, &account, body, request.header("traceparent")).await {
        Ok(taken) => taken,
        Err(Refusal::Error(error)) => {
            account.counters.rejected.one(error.code);
            return error.into_response();
        }
        Err(Refusal::Reset) => {
            account.counters.resets.one();
            return vanish(sim, request, Cut::Reset).await;
        }
    };
    match answer {
        None => {}
        Some(Answer::Hang(wait)) => tokio::time::sleep(wait).await,
        Some(Answer::Drop) => {
            account.counters.answers_dropped.one();
            return vanish(sim, request, Cut::Close).await;
        }
    }
    json(StatusCode::CREATED, &Resource::accepted(&account.sid, &message))
}

async fn take(
    sim: &Sim,
    account: &Arc<Account>,
    body: Body,
    trace: Option<&str>,
) -> Result<(Arc<Message>, Option<Answer>), Refusal> {
    let epoch = sim.epoch();
    let too_long = |_| TwilioError { status: 413, ..TwilioError::parameter("The request body is too long") };
    let body = body.into_bytes_limit(MAX_FORM).await.map_err(too_long)?;
    let order = Order::read(account, &body, trace)?;
    let (to, from) = (&*order.draft.to, &*order.draft.from);
    let refused = |code| Refusal::Error(TwilioError::of(code, to, from));

    let mut plan = Plan::decide(sim, &account.sid, to, from, &order.draft.body);
    if !plan.latency.is_zero() {
        tokio::time::sleep(plan.latency).await;
    }
    match plan.before {
        Some(Before::Reject(code)) => return Err(refused(code)),
        Some(Before::Reset) => return Err(Refusal::Reset),
        None => {}
    }
    if account.is_opted_out(from, to) {
        return Err(refused(21_610));
    }
    if sim.timeline.pending() >= u64::try_from(sim.config.max_pending).unwrap_or(u64::MAX) {
        return Err(refused(20_429));
    }
    let wait = match place(sim, account, &order) {
        Place::Leaves(wait) => wait,
        Place::Expires => {
            plan.outcome = Outcome::failing(30_036);
            order.validity
        }
        Place::Full => match overflow(sim, account, from) {
            Overflow::TooManyRequests => return Err(refused(20_429)),
            Overflow::QueueFull => return Err(refused(21_611)),
            Overflow::FailLater => {
                plan.outcome = Outcome::failing(30_001);
                Duration::ZERO
            }
        },
    };

    account.counters.accepted.one();
    account.counters.segments.add(u64::from(order.draft.segments));
    let message = sim.keep(account, order.draft);
    lock(&account.duplicates).note(&account.sid, &message);
    let flight = Flight {
        account: Arc::clone(account),
        message: Arc::clone(&message),
        callback_url: order.callback_url,
        plan,
        epoch,
        line: Line::default(),
    };
    flight.start(sim, wait);
    Ok((message, plan.answer))
}

fn place(sim: &Sim, account: &Account, order: &Order) -> Place {
    match limit(sim, account, &order.draft.from) {
        None => Place::Leaves(Duration::ZERO),
        Some(limit) => account.with_bucket(&order.draft.from, |bucket| {
            bucket.take(Instant::now(), &limit, order.draft.segments, order.validity)
        }),
    }
}

fn overflow(sim: &Sim, account: &Account, from: &str) -> Overflow {
    limit(sim, account, from).map(|limit| limit.overflow).unwrap_or_default()
}

fn limit(sim: &Sim, account: &Account, from: &str) -> Option<Throughput> {
    let otherwise = || Throughput {
        segments_per_second: sim.config.segments_per_second,
        queue_segments: None,
        overflow: Overflow::default(),
    };
    let limit = account.limit(from).unwrap_or_else(otherwise);
    (limit.segments_per_second > 0.0).then_some(limit)
}

/// Cuts the connection under the request. The server drops this future when it notices; it never answers.
async fn vanish(sim: &Sim, request: &Request, how: Cut) -> Response {
    sim.switches.cut(request.remote_addr(), how);
    std::future::pending().await
}
