//! `GET /v1/queues/{queue}/lanes`.
//!
//! Only lanes with something to say: a tenant has as many lanes as senders it ever had.

use patchbay_db::ids::TenantId;
use patchbay_domain::queues::lanes;
use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};

use super::{Read, key::known, lane_dto::Lane};
use crate::{
    http::{Caller, Code, Handled, Id, ListOf, Problem},
    tags::Tag,
};

/// The operation.
#[derive(Debug, Default)]
pub struct Lanes;

#[OpenApi]
impl Lanes {
    /// List a tenant's lanes
    ///
    /// By name, 50 a page: those in which anything waits or runs, and those with a pause or a rate.
    #[oai(path = "/v1/queues/:queue/lanes", method = "get", operation_id = "queues_lanes", tag = "Tag::Queues")]
    async fn run(
        &self,
        call: Caller<Read>,
        /// The queue's name.
        queue: Path<String>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
        /// Whose, for the system key. A tenant's key means its own.
        tenant_id: Query<Option<Id<TenantId>>>,
    ) -> Handled<Json<ListOf<Lane>>> {
        let queue = known(&call, &queue.0)?;
        let tenant = call.one_of(tenant_id.0)?;
        let after = cursor.0.as_deref().map(read_cursor).transpose()?;
        let mut tx = call.read().await?;
        let (mut page, has_more) = lanes::read(&mut tx, queue, tenant, after.as_deref()).await?;
        tx.commit().await?;
        lanes::dispatched(call.app().db.dispatcher().lanes(), queue, tenant, &mut page, call.now()).await;
        let next_cursor = page.last().filter(|_| has_more).map(|lane| hex::encode(&lane.name));
        let data = page.into_iter().map(|lane| Lane::at(lane, call.now())).collect();
        Ok(Json(ListOf { data, next_cursor, has_more }))
    }
}

/// The last lane of the page before.
fn read_cursor(cursor: &str) -> Result<String, Problem> {
    let name = hex::decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let name = name.filter(|name| !name.contains('\0'));
    name.ok_or_else(|| Problem::new(Code::InvalidCursor, "Pass next_cursor of the page before as it is."))
}
