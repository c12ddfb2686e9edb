//! The rules of the API, each once. `shared/design/api.md` says what they are; a resource only uses them.
//!
//! | rule | file |
//! |---|---|
//! | who calls, what they may, how much | [`call`] ([`auth`], [`keyring`], [`scope`], [`limits`]) |
//! | bodies: size, form, pointers | [`body`], [`schema`] |
//! | answers, once per idempotency key | [`reply`], [`idempotency`], [`prefer`] |
//! | lists, bulk calls, ids, times | [`paging`], [`bulk`], [`id`], [`time`] |
//! | errors | [`problem`], [`code`], [`catch`] |
//! | the frame of each request | [`front`], [`exchange`], [`request_id`], [`metrics`], [`operations`], [`merge`] |

pub mod auth;
pub mod body;
pub mod bulk;
pub mod call;
pub mod caller;
pub mod catch;
pub mod code;
pub mod door;
pub mod exchange;
pub mod front;
pub mod id;
pub mod idempotency;
pub mod keyring;
pub mod limits;
pub mod merge;
pub mod metrics;
pub mod operations;
pub mod paging;
pub mod prefer;
pub mod problem;
pub mod reply;
pub mod request_id;
pub mod schema;
pub mod scope;
pub mod shared;
pub mod time;

pub use body::{BatchBody, Body, BodyDigest};
pub use call::{Call, SystemCall};
pub use caller::Caller;
pub use code::Code;
pub use id::Id;
pub use paging::{Limit, ListOf};
pub use problem::{FieldError, Problem};
pub use reply::{Accepted, Created, Done, Handled, Written};
pub use time::Time;
