//! The parameters of a list: `To`, `From`, `DateSent` with its inequalities, `PageSize`, `Page`, `PageToken`.
//!
//! A day (`2009-07-06`) is meant whole and in GMT, also after `<=`; Twilio's client libraries send instants
//! (`2009-07-06T20:12:01Z`), which are meant to the second, except that `DateSent=` always means the day. A page token is
//! the id of the last message before the page, so that pages stay whole while messages arrive.

use chrono::{DateTime, Days, NaiveDate, NaiveTime};
use url::form_urlencoded;

use super::errors::TwilioError;
use super::number;
use crate::message::Sid;
use crate::messages::Query;

const DEFAULT_PAGE: usize = 50;
const MAX_PAGE: usize = 1_000;

/// A list request.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    to: Option<String>,
    from: Option<String>,
    since_ms: Option<i64>,
    until_ms: Option<i64>,
    after: Option<Sid>,
    pub page: usize,
    pub size: usize,
    /// The filters as they came, to be repeated in the links.
    filters: Vec<(String, String)>,
}

impl Listing {
    /// Reads a query string. Empty parameters are as good as absent.
    pub(crate) fn read(query: &str) -> Result<Self, TwilioError> {
        let mut listing = Self { size: DEFAULT_PAGE, ..Self::default() };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !value.is_empty() {
                listing.set(&name, &value)?;
            }
        }
        Ok(listing)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), TwilioError> {
        let wrong = || TwilioError::parameter(format!("{name} is not valid: {value}"));
        match name {
            "To" => self.to = Some(address(value)),
            "From" => self.from = Some(address(value)),
            "DateSent" => {
                let day = Span::of(value).ok_or_else(wrong)?.day;
                self.narrow(Some(day.0), Some(day.1));
            }
            "DateSent>" => self.narrow(Some(Span::of(value).ok_or_else(wrong)?.first), None),
            "DateSent<" => self.narrow(None, Some(Span::of(value).ok_or_else(wrong)?.last)),
            "PageSize" => {
                let size: usize = value.parse().map_err(|_| wrong())?;
                self.size = size.clamp(1, MAX_PAGE);
            }
            "Page" => self.page = value.parse().map_err(|_| wrong())?,
            "PageToken" => {
                let token = value.strip_prefix("PA").and_then(|sid| sid.parse().ok());
                self.after = Some(token.ok_or_else(wrong)?);
            }
            _ => return Ok(()),
        }
        if !matches!(name, "PageSize" | "Page" | "PageToken") {
            self.filters.push((name.to_owned(), value.to_owned()));
        }
        Ok(())
    }

    fn narrow(&mut self, since: Option<i64>, until: Option<i64>) {
        self.since_ms = self.since_ms.max(since);
        self.until_ms = match (self.until_ms, until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// The look-up it asks for.
    pub(crate) fn query(&self) -> Query<'_> {
        Query {
            to: self.to.as_deref(),
            from: self.from.as_deref(),
            since_ms: self.since_ms,
            until_ms: self.until_ms,
            body_contains: None,
            after: self.after,
            skip: if self.after.is_some() { 0 } else { self.page.saturating_mul(self.size) },
            limit: self.size,
        }
    }

    /// The link to a page of the same list.
    pub(crate) fn link(&self, path: &str, page: usize, after: Option<Sid>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.filters);
        query.append_pair("PageSize", &self.size.to_string());
        query.append_pair("Page", &page.to_string());
        if let Some(sid) = after {
            query.append_pair("PageToken", &format!("PA{sid}"));
        }
        format!("{path}?{}", query.finish())
    }
}

fn address(value: &str) -> String {
    number::normalize(value).unwrap_or_else(|| value.to_owned())
}

struct Span {
    first: i64,
    last: i64,
    day: (i64, i64),
}

impl Span {
    fn of(text: &str) -> Option<Self> {
        if let Ok(date) = text.parse::<NaiveDate>() {
            let day = day(date)?;
            return Some(Self { first: day.0, last: day.1, day });
        }
        let instant = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        let ms = instant.timestamp() * 1_000;
        Some(Self { first: ms, last: ms + 999, day: day(instant.date_naive())? })
    }
}

fn day(date: NaiveDate) -> Option<(i64, i64)> {
    let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
    let next = date.checked_add_days(Days::new(1))?;
    Some((midnight(date), midnight(next) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_whole_and_an_instant_is_a_second() {
        let list = Listing::read("DateSent%3E=2009-07-06&DateSent%3C=2009-07-06T20:12:01Z").unwrap();
        assert_eq!((list.since_ms, list.until_ms), (Some(1_246_838_400_000), Some(1_246_911_121_999)));
        let list = Listing::read("DateSent=2009-07-06T20:12:01Z").unwrap();
        assert_eq!((list.since_ms, list.until_ms), (Some(1_246_838_400_000), Some(1_246_924_799_999)));
        assert!(Listing::read("DateSent=yesterday").is_err());
    }

    #[test]
    fn links_repeat_the_filters() {
        let list = Listing::read("To=%2B15005550100&PageSize=2&Page=3&Other=x").unwrap();
        assert_eq!(list.link("/p", 4, None), "/p?To=%2B15005550100&PageSize=2&Page=4");
    }
}
