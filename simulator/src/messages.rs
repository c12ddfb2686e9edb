//! One account's messages, indexed for the look-ups that reconciliation lives on.
//!
//! A look-up touches its matches and little else, also among a million: each index is in order of arrival, so a
//! page starts by binary search and walks back. `DateSent` is the date of sending, which lags arrival by the
//! time spent queued; the longest lag seen bounds how far back a walk must go. One lock per account held for
//! about a microsecond was chosen over sharded indexes: a page must be consistent and in order, and a merge of
//! shards on each list costs more than the lock. Broken by: inserting out of order of `seq`.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::message::{Draft, Message, Sid};

type Index = VecDeque<Arc<Message>>;

/// What a list asks for. Dates are inclusive, in milliseconds.
#[derive(Default)]
pub(crate) struct Query<'a> {
    pub to: Option<&'a str>,
    pub from: Option<&'a str>,
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
    pub body_contains: Option<&'a str>,
    /// Start after this message (the last of the page before).
    pub after: Option<Sid>,
    pub skip: usize,
    pub limit: usize,
}

/// The messages of one account.
#[derive(Default)]
pub(crate) struct Messages {
    all: Index,
    by_sid: HashMap<Sid, Arc<Message>>,
    by_to: HashMap<Arc<str>, Index>,
    by_from: HashMap<Arc<str>, Index>,
    next_seq: u64,
    longest_lag_ms: i64,
}

impl Messages {
    /// Keeps a message and gives it its id and rank.
    pub(crate) fn insert(&mut self, draft: Draft, now_ms: i64) -> Arc<Message> {
        let message = Arc::new(Message::new(self.next_seq, now_ms, draft));
        self.next_seq += 1;
        self.by_sid.insert(message.sid, Arc::clone(&message));
        let (to, from) = (&message.draft.to, &message.draft.from);
        self.by_to.entry(Arc::clone(to)).or_default().push_back(Arc::clone(&message));
        self.by_from.entry(Arc::clone(from)).or_default().push_back(Arc::clone(&message));
        self.all.push_back(Arc::clone(&message));
        message
    }

    /// Records how long a message waited before it was sent.
    pub(crate) fn note_lag(&mut self, lag_ms: i64) {
        self.longest_lag_ms = self.longest_lag_ms.max(lag_ms);
    }

    /// Forgets the oldest message.
    pub(crate) fn evict_oldest(&mut self) {
        let Some(oldest) = self.all.pop_front() else {
            return;
        };
        self.by_sid.remove(&oldest.sid);
        for (index, key) in [(&mut self.by_to, &oldest.draft.to), (&mut self.by_from, &oldest.draft.from)] {
            if let Some(list) = index.get_mut(key) {
                list.pop_front();
                if list.is_empty() {
                    index.remove(key);
                }
            }
        }
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The message with this id.
    pub(crate) fn get(&self, sid: Sid) -> Option<Arc<Message>> {
        self.by_sid.get(&sid).cloned()
    }

    /// One page, newest first, and whether more follow.
    pub(crate) fn page(&self, query: &Query<'_>) -> (Vec<Arc<Message>>, bool) {
        let Some(index) = self.narrowest(query) else {
            return (Vec::new(), false);
        };
        let end = self.end_of(index, query);
        let oldest = query.since_ms.map(|ms| ms.saturating_sub(self.longest_lag_ms));
        let mut matches = index
            .range(..end)
            .rev()
            .take_while(|m| oldest.is_none_or(|ms| m.created_ms >= ms))
            .filter(|m| matches(m, query))
            .skip(query.skip);
        let page: Vec<_> = matches.by_ref().take(query.limit).cloned().collect();
        let more = matches.next().is_some();
        (page, more)
    }

    fn narrowest(&self, query: &Query<'_>) -> Option<&Index> {
        let to = query.to.map(|to| self.by_to.get(to));
        let from = query.from.map(|from| self.by_from.get(from));
        match (to, from) {
            (None, None) => Some(&self.all),
            (Some(one), None) | (None, Some(one)) => one,
            (Some(to), Some(from)) => Some(if to?.len() <= from?.len() { to? } else { from? }),
        }
    }

    fn end_of(&self, index: &Index, query: &Query<'_>) -> usize {
        let by_date = query.until_ms.map(|ms| index.partition_point(|m| m.created_ms <= ms));
        let by_page = query.after.map(|sid| match self.by_sid.get(&sid) {
            Some(last) => index.partition_point(|m| m.seq < last.seq),
            None => 0,
        });
        by_date.unwrap_or(index.len()).min(by_page.unwrap_or(index.len()))
    }
}

fn matches(message: &Message, query: &Query<'_>) -> bool {
    let draft = &message.draft;
    let text = |wanted: Option<&str>, is: &str| wanted.is_none_or(|wanted| wanted == is);
    if !text(query.to, &draft.to) || !text(query.from, &draft.from) {
        return false;
    }
    if query.body_contains.is_some_and(|part| !draft.body.contains(part)) {
        return false;
    }
    if query.since_ms.is_none() && query.until_ms.is_none() {
        return true;
    }
    // Twilio leaves the date open until it sends; a look-up for an uncertain send must still find it.
    let sent = message.progress().sent_ms.unwrap_or(message.created_ms);
    query.since_ms.is_none_or(|ms| sent >= ms) && query.until_ms.is_none_or(|ms| sent <= ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Direction, Status};

    fn draft(to: &str) -> Draft {
        Draft {
            to: to.into(),
            from: "+1".into(),
            body: "b".into(),
            service: None,
            direction: Direction::OutboundApi,
            segments: 1,
            status: Status::Queued,
            trace: None,
        }
    }

    #[test]
    fn what_was_queued_long_is_found_by_the_date_it_was_sent() {
        let mut messages = Messages::default();
        let queued = messages.insert(draft("+2"), 0);
        messages.insert(draft("+3"), 3_000);
        queued.advance(Status::Sent, None, 5_000);
        messages.note_lag(5_000);
        let since = |ms| Query { since_ms: Some(ms), limit: 9, ..Query::default() };
        let (found, more) = messages.page(&since(4_000));
        assert_eq!((found.len(), found[0].sid, more), (1, queued.sid, false));
        assert_eq!(messages.page(&since(3_000)).0.len(), 2);
    }

    #[test]
    fn the_oldest_goes_from_every_index() {
        let mut messages = Messages::default();
        let first = messages.insert(draft("+2"), 0);
        messages.insert(draft("+3"), 0);
        messages.evict_oldest();
        assert!(messages.get(first.sid).is_none() && !messages.by_to.contains_key("+2"));
        let all = Query { from: Some("+1"), limit: 9, ..Query::default() };
        assert_eq!(messages.page(&all).0.len(), 1);
    }
}
