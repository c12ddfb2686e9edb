//! Lists, page by page: as many rows as were asked for, through all of the API's cursors.

use clap::Args;
use serde_json::{Value, json};

use crate::{answer::Answer, client::types, failure::Failure};

/// The most that the API gives at once.
const PAGE: u32 = 100;

/// How much of a list.
#[derive(Debug, Clone, Copy, Args)]
pub struct Paging {
    /// How many rows at most.
    #[arg(long, default_value_t = 50, value_name = "ROWS", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// All of them, however many pages that takes.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// A page of a list, as the API answers it.
pub trait Page {
    /// A row.
    type Row;

    /// The rows, and where the next page begins.
    fn split(self) -> (Vec<Self::Row>, Option<String>);
}

macro_rules! page {
    ($($list:ident: $row:ident),* $(,)?) => { $(
        impl Page for types::$list {
            type Row = types::$row;

            fn split(self) -> (Vec<Self::Row>, Option<String>) {
                (self.data, self.next_cursor)
            }
        }
    )* };
}

page! { ListOfDeadLetter: DeadLetter, ListOfJob: Job, ListOfLane: Lane, ListOfQueueLimit: QueueLimit, ListOfSchedule: Schedule, ListOfTenant: Tenant }

/// What was read of a list.
pub struct Rows<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// As one page of the API.
    pub json: Value,
    /// Whether there are more.
    pub has_more: bool,
}

impl<T> Rows<T> {
    /// What to say below the table.
    pub fn note(&self) -> Option<String> {
        self.has_more.then(|| format!("{} shown, and there are more: --limit or --all.", self.rows.len()))
    }
}

/// Reads pages with `read`, which is given how many rows to ask for and where to begin.
///
/// # Errors
/// The first that a page meets.
pub async fn rows<P: Page>(
    paging: Paging,
    mut read: impl AsyncFnMut(i32, Option<String>) -> Result<Answer<P>, Failure>,
) -> Result<Rows<P::Row>, Failure> {
    let wanted = if paging.all { usize::MAX } else { usize::try_from(paging.limit).unwrap_or(usize::MAX) };
    let (mut rows, mut data, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let left = u32::try_from(wanted - rows.len()).unwrap_or(u32::MAX).min(PAGE);
        let page = read(i32::try_from(left).unwrap_or(i32::MAX), cursor.take()).await?;
        let mut json = page.json;
        if let Value::Array(items) = json["data"].take() {
            data.extend(items);
        }
        let (more, next) = page.read.split();
        rows.extend(more);
        // Lists whose page size is the API's choice may give more than was wanted: no cursor leads into a page's middle,
        // so the rows stay.
        if next.is_none() || rows.len() >= wanted {
            let has_more = next.is_some();
            let json = json!({ "data": data, "next_cursor": next, "has_more": has_more });
            return Ok(Rows { rows, json, has_more });
        }
        cursor = next;
    }
}
