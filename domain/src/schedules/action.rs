//! What a tick does.
//!
//! Stored as JSON with its `type` in it, as a call would be written. It is kept for years: a field may be added with a
//! default, none may change its meaning.

use std::collections::BTreeMap;
use std::fmt;

use patchbay_db::ids::ContactId;
use serde::{Deserialize, Serialize};

use crate::messages::accept::{Call, Content, Draft, Mode, Recipient};
use crate::messages::{Body, MessageClass};

/// What a tick does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    /// Sends one message.
    SendMessage(MessageAction),
    /// Sends messages to several recipients by one job.
    SendMessages(MessageBatchAction),
}

/// One message, to a contact or a number, by a template or as a text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAction {
    /// The sender; the tenant's default where not set.
    pub from: Option<String>,
    /// What it is for; see [`Draft::class`].
    pub class: Option<String>,
    /// To whom, and what it says.
    #[serde(flatten)]
    pub item: BatchItem,
}

/// Messages that share a sender and a job.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageBatchAction {
    /// The sender; the tenant's default where not set.
    pub from: Option<String>,
    /// What they are for; see [`Draft::class`].
    pub class: Option<String>,
    /// The template of the messages that name none and have no text.
    pub template: Option<String>,
    /// The messages.
    pub messages: Vec<BatchItem>,
}

/// One message of several.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchItem {
    /// The contact; either this or `to`.
    pub contact_id: Option<ContactId>,
    /// The number; either this or `contact_id`.
    pub to: Option<String>,
    /// A template, by id or code; either this or `body`.
    pub template: Option<String>,
    /// The template's values.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// The text; either this or `template`.
    pub body: Option<String>,
}

// What messages say stays out of logs.
impl fmt::Debug for MessageAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageAction").field("from", &self.from).finish_non_exhaustive()
    }
}

impl fmt::Debug for MessageBatchAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, messages, .. } = self;
        f.debug_struct("MessageBatchAction")
            .field("from", from)
            .field("messages", &messages.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BatchItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchItem").field("template", &self.template).finish_non_exhaustive()
    }
}

impl Action {
    /// The call that it makes.
    #[must_use]
    pub fn call(self, trace: Option<String>, request_id: Option<String>) -> Call {
        let (from, class, drafts) = match self {
            Self::SendMessage(MessageAction { from, class, item }) => (from, class, vec![item]),
            Self::SendMessages(MessageBatchAction { from, class, template, messages }) => {
                let filled = |item: BatchItem| match (&item.template, &item.body) {
                    (None, None) => BatchItem { template: template.clone(), ..item },
                    _ => item,
                };
                (from, class, messages.into_iter().map(filled).collect())
            }
        };
        // What answers STOP is made by Patchbay only.
        let class = class.and_then(|class| class.parse().ok()).filter(|class| *class != MessageClass::Compliance);
        let drafts = drafts.into_iter().map(|item| item.draft(class)).collect();
        // One recipient who said STOP must not cost the others their message.
        Call { from, send_at: None, mode: Mode::Permissive, drafts, trace, request_id }
    }
}

impl BatchItem {
    fn draft(self, class: Option<MessageClass>) -> Draft {
        let Self { contact_id, to, template, variables, body } = self;
        let to = match contact_id {
            Some(contact) => Recipient::Contact(contact),
            None => Recipient::Address(to.unwrap_or_default()),
        };
        let content = match template {
            Some(name) => Content::Template { name, variables },
            None => Content::Text(Body(body.unwrap_or_default())),
        };
        Draft { to, content, class }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_action_is_stored_as_a_call_is_written() {
        let text = json!({ "type": "send_message", "from": null, "class": "marketing", "contact_id": null,
            "to": "+12025550123", "template": null, "variables": {}, "body": "secret" });
        let action: Action = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(serde_json::to_value(&action).unwrap(), text);
        assert!(!format!("{action:?}").contains("secret"), "{action:?}");
        let call = action.call(None, None);
        assert_eq!(call.drafts[0].class, Some(MessageClass::Marketing));
    }

    #[test]
    fn a_batch_gives_its_template_to_those_without_words() {
        let text = json!({ "type": "send_messages", "template": "hi", "messages": [
            { "to": "+12025550123" }, { "to": "+12025550124", "body": "x" }, { "to": "+12025550125", "template": "ho" }] });
        let call = serde_json::from_value::<Action>(text).unwrap().call(None, None);
        let names: Vec<_> = call
            .drafts
            .iter()
            .map(|draft| match &draft.content {
                Content::Template { name, .. } => name.as_str(),
                Content::Text(_) => "text",
            })
            .collect();
        assert_eq!(names, ["hi", "text", "ho"]);
    }
}
