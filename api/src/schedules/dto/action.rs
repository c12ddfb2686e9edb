//! What a tick does, as a union: a new kind of action is a variant here and one in the domain.

use std::collections::{BTreeMap, HashMap};

use patchbay_db::ids::ContactId;
use patchbay_domain::schedules::{Action, BatchItem, MessageAction, MessageBatchAction};
use poem_openapi::{Object, Union, types::Example};

use crate::{
    http::{FieldError, Id},
    messages::draft::{Fields, MessagePurpose, draft},
};

/// What a tick does.
#[derive(Debug, Union)]
#[oai(discriminator_name = "type", one_of)]
pub enum ScheduleAction {
    /// Sends one message.
    #[oai(mapping = "send_message")]
    SendMessage(ScheduleMessage),
    /// Sends messages to several recipients.
    #[oai(mapping = "send_messages")]
    SendMessages(ScheduleMessages),
}

/// A message to be sent at each tick. Its fields are those of a call that sends one.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ScheduleMessage {
    /// The contact to text, at its primary SMS address. Either this or `to`.
    pub contact_id: Option<Id<ContactId>>,
    /// The number to text, in E.164. Either this or `contact_id`.
    #[oai(validator(max_length = 40))]
    pub to: Option<String>,
    /// The sender's address; the tenant's default where it is left out.
    #[oai(validator(max_length = 40))]
    pub from: Option<String>,
    /// A template, by its id or its code. Either this or `body`.
    #[oai(validator(max_length = 100))]
    pub template: Option<String>,
    /// A value for each of the template's variables.
    pub variables: Option<HashMap<String, String>>,
    /// The text, up to 1,600 characters. Either this or `template`.
    #[oai(validator(max_length = 10000))]
    pub body: Option<String>,
    /// What it is for; the template's class, or transactional, where it is left out.
    pub class: Option<MessagePurpose>,
}

impl Example for ScheduleMessage {
    fn example() -> Self {
        Self {
            contact_id: None,
            to: Some("+12025550123".to_owned()),
            from: None,
            template: None,
            variables: None,
            body: Some("Your weekly check-in: how did it go?".to_owned()),
            class: Some(MessagePurpose::Transactional),
        }
    }
}

/// One of the messages to be sent at each tick.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ScheduleMessagesItem {
    /// The contact to text, at its primary SMS address. Either this or `to`.
    pub contact_id: Option<Id<ContactId>>,
    /// The number to text, in E.164. Either this or `contact_id`.
    #[oai(validator(max_length = 40))]
    pub to: Option<String>,
    /// A template, by its id or its code; the action's where neither this nor `body` is there.
    #[oai(validator(max_length = 100))]
    pub template: Option<String>,
    /// A value for each of the template's variables.
    pub variables: Option<HashMap<String, String>>,
    /// The text, up to 1,600 characters.
    #[oai(validator(max_length = 10000))]
    pub body: Option<String>,
}

impl Example for ScheduleMessagesItem {
    fn example() -> Self {
        Self {
            contact_id: None,
            to: Some("+12025550123".to_owned()),
            template: None,
            variables: Some(HashMap::from([("first_name".to_owned(), "Ada".to_owned())])),
            body: None,
        }
    }
}

/// Messages to be sent at each tick by one job. A recipient who may not be texted then costs the others nothing.
#[derive(Debug, Object)]
#[oai(example)]
pub struct ScheduleMessages {
    /// The sender's address; the tenant's default where it is left out.
    #[oai(validator(max_length = 40))]
    pub from: Option<String>,
    /// The template of the messages that name none and have no text.
    #[oai(validator(max_length = 100))]
    pub template: Option<String>,
    /// What they are for; see a single message.
    pub class: Option<MessagePurpose>,
    /// The messages.
    #[oai(validator(min_items = 1, max_items = 100))]
    pub messages: Vec<ScheduleMessagesItem>,
}

impl Example for ScheduleMessages {
    fn example() -> Self {
        Self {
            from: None,
            template: Some("weekly".to_owned()),
            class: None,
            messages: vec![ScheduleMessagesItem::example()],
        }
    }
}

const fn word(class: MessagePurpose) -> &'static str {
    match class {
        MessagePurpose::Transactional => "transactional",
        MessagePurpose::Marketing => "marketing",
    }
}

fn purpose(word: &str) -> Option<MessagePurpose> {
    [MessagePurpose::Transactional, MessagePurpose::Marketing].into_iter().find(|class| self::word(*class) == word)
}

/// The domain's action, if each of its messages has one recipient and one content.
///
/// # Errors
/// What is there twice, or missing, with pointers into the body under `/action`.
pub fn actionable(action: ScheduleAction) -> Result<Action, Vec<FieldError>> {
    match action {
        ScheduleAction::SendMessage(message) => {
            let ScheduleMessage { contact_id, to, from, template, variables, body, class } = message;
            let item = ScheduleMessagesItem { contact_id, to, template, variables, body };
            let class = class.map(|class| word(class).to_owned());
            let item = checked(item, None, "/action").map_err(|error| vec![error])?;
            Ok(Action::SendMessage(MessageAction { from, class, item }))
        }
        ScheduleAction::SendMessages(several) => {
            let ScheduleMessages { from, template, class, messages } = several;
            let items = messages.into_iter().enumerate();
            let items =
                items.map(|(index, item)| checked(item, template.as_deref(), &format!("/action/messages/{index}")));
            let (good, bad): (Vec<_>, Vec<_>) = items.partition(Result::is_ok);
            if !bad.is_empty() {
                return Err(bad.into_iter().filter_map(Result::err).collect());
            }
            let class = class.map(|class| word(class).to_owned());
            let messages = good.into_iter().flatten().collect();
            Ok(Action::SendMessages(MessageBatchAction { from, class, template, messages }))
        }
    }
}

fn checked(item: ScheduleMessagesItem, usual: Option<&str>, at: &str) -> Result<BatchItem, FieldError> {
    let ScheduleMessagesItem { contact_id, to, template, variables, body } = item;
    let fields = Fields {
        contact_id,
        to: to.clone(),
        template: template.clone().or_else(|| usual.filter(|_| body.is_none()).map(str::to_owned)),
        variables: variables.clone(),
        body: body.clone(),
    };
    // The same checks as of a call that sends; the draft itself is made when the tick comes.
    draft(fields, None).map_err(|error| FieldError { pointer: format!("{at}{}", error.pointer), ..error })?;
    let variables: BTreeMap<_, _> = variables.unwrap_or_default().into_iter().collect();
    Ok(BatchItem { contact_id: contact_id.map(|id| id.0), to, template, variables, body })
}

impl From<Action> for ScheduleAction {
    fn from(action: Action) -> Self {
        match action {
            Action::SendMessage(MessageAction { from, class, item }) => {
                let ScheduleMessagesItem { contact_id, to, template, variables, body } = item.into();
                let class = class.as_deref().and_then(purpose);
                Self::SendMessage(ScheduleMessage { contact_id, to, from, template, variables, body, class })
            }
            Action::SendMessages(MessageBatchAction { from, class, template, messages }) => {
                let class = class.as_deref().and_then(purpose);
                let messages = messages.into_iter().map(ScheduleMessagesItem::from).collect();
                Self::SendMessages(ScheduleMessages { from, template, class, messages })
            }
        }
    }
}

impl From<BatchItem> for ScheduleMessagesItem {
    fn from(item: BatchItem) -> Self {
        let BatchItem { contact_id, to, template, variables, body } = item;
        let variables = Some(variables).filter(|variables| !variables.is_empty());
        let variables = variables.map(|variables| variables.into_iter().collect());
        Self { contact_id: contact_id.map(Id), to, template, variables, body }
    }
}
