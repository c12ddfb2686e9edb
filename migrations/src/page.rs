//! Keyset paging: a list is read from the newest row back, and the next page starts where this one ended.
//!
//! Every list is ordered by id, newest first: an id is a UUIDv7, so that is the order of creation, and
//! the primary key (tenant_id, id) serves it without a sort. Rejected: OFFSET (reads what it skips,
//! and shows a row twice when another is added) and a cursor per sort order (no list sorts otherwise yet; the
//! version byte leaves room). Use: `WHERE id < $n ORDER BY id DESC LIMIT $m` with
//! [`Page::before`] and [`Page::fetch`], then [`Page::cut`].

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// Rows of a page where the caller names no limit.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most rows of a page.
pub const MAX_LIMIT: u32 = 100;

/// Version of the key inside a cursor: one id.
const BY_ID: u8 = 1;

/// Why a request for a page was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The limit is not within 1..=100.
    #[error("limit must be between 1 and {MAX_LIMIT}")]
    Limit,
    /// The text is no cursor that this program gave out.
    #[error("cursor is not one that a list returned")]
    Cursor,
}

/// Where the next page begins; opaque to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(Uuid);

impl Cursor {
    /// The place just after the row with this id.
    pub fn after(id: impl Into<Uuid>) -> Self {
        Self(id.into())
    }

    /// The id of the last row already seen.
    pub fn id(self) -> Uuid {
        self.0
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = [BY_ID; 17];
        key[1..].copy_from_slice(self.0.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(key))
    }
}

impl std::str::FromStr for Cursor {
    type Err = PageError;

    fn from_str(text: &str) -> Result<Self, PageError> {
        let key = URL_SAFE_NO_PAD.decode(text).map_err(|_| PageError::Cursor)?;
        match key.split_first() {
            Some((&BY_ID, id)) => Uuid::from_slice(id).map(Self).map_err(|_| PageError::Cursor),
            _ => Err(PageError::Cursor),
        }
    }
}

/// A request for one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    limit: u32,
    cursor: Option<Cursor>,
}

impl Page {
    /// Checks what a caller asked for.
    ///
    /// # Errors
    /// [`PageError::Limit`] outside 1..=100, [`PageError::Cursor`] for a text that is no cursor.
    pub fn new(limit: Option<u32>, cursor: Option<&str>) -> Result<Self, PageError> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(PageError::Limit);
        }
        let cursor = cursor.map(str::parse).transpose()?;
        Ok(Self { limit, cursor })
    }

    /// Rows the answer may hold.
    pub fn limit(self) -> u32 {
        self.limit
    }

    /// Rows come from below this id; on the first page that is the highest id there is, so that the
    /// statement is the same and its index condition holds on every page.
    pub fn before(self) -> Uuid {
        self.cursor.map_or(Uuid::max(), Cursor::id)
    }

    /// Rows to read: one more than the page holds, which tells whether another page follows.
    pub fn fetch(self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the answer out of the rows read with [`before`](Self::before) and [`fetch`](Self::fetch).
    pub fn cut<T, I: Into<Uuid>>(self, mut rows: Vec<T>, id: impl Fn(&T) -> I) -> Paged<T> {
        let limit = usize::try_from(self.limit).expect("a limit of at most 100 fits");
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(|row| Cursor::after(id(row)));
        Paged { data: rows, next_cursor, has_more }
    }

    /// As [`cut`](Self::cut), of rows for which only so much was looked at: `reached` is the last row that was, where there
    /// may be more behind it. The page may then hold fewer rows than it could, and is followed by another.
    pub fn cut_at<T, I: Into<Uuid>>(self, rows: Vec<T>, reached: Option<Uuid>, id: impl Fn(&T) -> I) -> Paged<T> {
        let page = self.cut(rows, id);
        match reached.filter(|_| !page.has_more) {
            Some(reached) => Paged { next_cursor: Some(Cursor::after(reached)), has_more: true, ..page },
            None => page,
        }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: DEFAULT_LIMIT, cursor: None }
    }
}

/// One page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The rows, newest first.
    pub data: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next_cursor: Option<Cursor>,
    /// Whether another page follows.
    pub has_more: bool,
}

impl<T> Paged<T> {
    /// The same page of other values, such as the public form of a row.
    pub fn map<U>(self, to: impl FnMut(T) -> U) -> Paged<U> {
        Paged { data: self.data.into_iter().map(to).collect(), next_cursor: self.next_cursor, has_more: self.has_more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_was_not_looked_for_to_the_end_is_followed_by_another() {
        let (page, reached) = (Page::default(), Uuid::from_u128(7));
        let short = page.cut_at(vec![Uuid::from_u128(9)], Some(reached), |id| *id);
        assert_eq!((short.data.len(), short.has_more, short.next_cursor), (1, true, Some(Cursor::after(reached))));
        assert!(!page.cut_at(vec![Uuid::from_u128(9)], None, |id| *id).has_more);
    }

    #[test]
    fn a_cursor_survives_its_text() {
        let cursor = Cursor::after(Uuid::from_u128(42));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
    }

    #[test]
    fn a_text_that_is_no_cursor_is_refused() {
        for text in ["", "AQ", "!!", "AgAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(text.parse::<Cursor>(), Err(PageError::Cursor), "{text}");
        }
    }

    #[test]
    fn limits_are_1_to_100_and_50_unless_asked() {
        assert_eq!(Page::new(None, None).unwrap().limit(), 50);
        assert_eq!(Page::new(Some(0), None), Err(PageError::Limit));
        assert_eq!(Page::new(Some(101), None), Err(PageError::Limit));
    }

    #[test]
    fn the_extra_row_becomes_a_cursor_and_the_last_page_has_none() {
        let page = Page::new(Some(2), None).unwrap();
        let cut = page.cut(vec![9_u128, 8, 7], |id| Uuid::from_u128(*id));
        assert_eq!(cut.data, [9, 8]);
        assert_eq!(cut.next_cursor.map(Cursor::id), Some(Uuid::from_u128(8)));
        let last = page.cut(vec![7_u128, 6], |id| Uuid::from_u128(*id));
        assert!(!last.has_more && last.next_cursor.is_none());
    }
}
