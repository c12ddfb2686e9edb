//! From drafts and what is known to messages, or to the reasons against them. Pure: no statement runs here.

use std::collections::HashMap;
use std::ops::Range;

use patchbay_db::ids::TemplateId;

use super::super::model::Body;
use super::super::state::MessageClass;
use super::resolve::{Known, KnownSender, KnownTemplate, Target};
use super::{Call, Composed, Content, Draft, Measure, Mode, Passed, Recipient, Refusal, judge};
use crate::provider_accounts::AccountStatus;
use crate::templates::{TemplateFault, TemplateText};

type Parsed<'k> = HashMap<TemplateId, Result<TemplateText<'k>, TemplateFault>>;
type Reasons = Vec<(Option<usize>, Refusal)>;

/// The messages of `call`, whose drafts stand at `places` among all of them.
pub(super) fn compose(call: &Call, known: &Known, places: Range<usize>, measure: Measure) -> Result<Composed, Reasons> {
    let from = sender(call, known).map_err(|refusal| vec![(None, refusal)])?;
    let mut parsed = HashMap::new();
    let items: Vec<Result<Passed, Vec<Refusal>>> = call
        .drafts
        .iter()
        .zip(places)
        .map(|(draft, place)| {
            let bad_number = known.bad_numbers.get(&place).map(String::as_str);
            message(draft, &known.targets[place], bad_number, known, &mut parsed, measure)
        })
        .collect();
    if call.mode == Mode::Strict && items.iter().any(Result::is_err) || items.iter().all(Result::is_err) {
        let refused = items.into_iter().enumerate().filter_map(|(index, item)| Some((index, item.err()?)));
        return Err(refused.flat_map(|(index, all)| all.into_iter().map(move |r| (Some(index), r))).collect());
    }
    Ok(Composed { from, items })
}

fn sender(call: &Call, known: &Known) -> Result<KnownSender, Refusal> {
    let found = known.senders.iter().find(|s| call.from.as_ref().map_or(s.is_default, |from| s.address == *from));
    let sender = match (found, &call.from) {
        (Some(sender), _) => sender,
        (None, Some(_)) => {
            return Err(Refusal::new("/from", "sender_not_found", "No provider account has this sender."));
        }
        (None, None) => {
            return Err(Refusal::new("/from", "no_sender", "There is no sender: add a provider account with one."));
        }
    };
    match sender.status {
        AccountStatus::Active => Ok(sender.clone()),
        AccountStatus::Disabled => {
            Err(Refusal::new("/from", "provider_account_disabled", "The sender's provider account is disabled."))
        }
        AccountStatus::AuthFailed => Err(Refusal::new(
            "/from",
            "provider_auth_failed",
            "The provider refused the account's credentials: enter them again.",
        )),
    }
}

fn message<'k>(
    draft: &Draft,
    target: &Target,
    bad_number: Option<&str>,
    known: &'k Known,
    parsed: &mut Parsed<'k>,
    measure: Measure,
) -> Result<Passed, Vec<Refusal>> {
    let mut reasons = Vec::new();
    let template = match &draft.content {
        Content::Text(_) => None,
        Content::Template { name, .. } => {
            let found = known.template(name);
            if found.is_none() {
                reasons.push(Refusal::new("/template", "template_not_found", "There is no such template."));
            }
            found
        }
    };
    let body = body(&draft.content, template, parsed, &mut reasons);
    let size = measure(&body.0);
    if reasons.is_empty() && body.0.trim().is_empty() {
        reasons.push(Refusal::new("/body", "body_empty", "The text is empty."));
    } else if size.too_long {
        reasons.push(Refusal::new("/body", "body_too_long", "The text is longer than 1,600 characters."));
    }
    let class = class(draft, template, &mut reasons);
    match (&draft.to, &target.address, bad_number) {
        (Recipient::Address(_), _, Some(why)) => {
            reasons.push(Refusal::with("/to", "phone_invalid", format!("Not a phone number in E.164: {why}.")));
        }
        (Recipient::Contact(_), _, _) if target.contact_id.is_none() => {
            reasons.push(Refusal::new("/contact_id", "contact_not_found", "There is no such contact."));
        }
        (Recipient::Contact(_), None, _) => {
            reasons.push(Refusal::new("/contact_id", "contact_unreachable", "The contact has no SMS address."));
        }
        (to, _, _) => {
            if let Some(code) = judge(class, target.consent, target.suppressed.as_deref()) {
                let pointer = if matches!(to, Recipient::Contact(_)) { "/contact_id" } else { "/to" };
                reasons.push(Refusal::new(pointer, code, explain(code)));
            }
        }
    }
    match (&target.address, reasons.is_empty()) {
        (Some(address), true) => Ok(Passed {
            contact: target.owner_id,
            address: address.clone(),
            template: template.map(|t| t.id),
            class,
            body,
            segments: size.segments,
        }),
        _ => Err(reasons),
    }
}

/// The text, rendered; each template is parsed once a call.
fn body<'k>(
    content: &Content,
    template: Option<&'k KnownTemplate>,
    parsed: &mut Parsed<'k>,
    reasons: &mut Vec<Refusal>,
) -> Body {
    let (variables, known) = match (content, template) {
        (Content::Text(body), _) => return body.clone(),
        (Content::Template { variables, .. }, Some(known)) => (variables, known),
        (Content::Template { .. }, None) => return Body(String::new()),
    };
    let text = parsed.entry(known.id).or_insert_with(|| TemplateText::parse(&known.body));
    match text.as_ref().map(|text| text.render(variables)) {
        Ok(Ok(text)) => return Body(text),
        Ok(Err(faults)) => {
            let at = |name: &str| format!("/variables/{name}");
            reasons.extend(faults.missing.iter().map(|name| Refusal {
                pointer: at(name).into(),
                code: "missing_variable",
                detail: format!("The template has the variable {name}, and no value was given.").into(),
            }));
            reasons.extend(faults.unknown.iter().map(|name| Refusal {
                pointer: at(&name.replace('~', "~0").replace('/', "~1")).into(),
                code: "unknown_variable",
                detail: "The template has no such variable.".into(),
            }));
        }
        Err(_) => reasons.push(Refusal::new("/template", "template_broken", "The stored template cannot be read.")),
    }
    Body(String::new())
}

/// A template's class can be tightened by a call, never loosened.
fn class(draft: &Draft, template: Option<&KnownTemplate>, reasons: &mut Vec<Refusal>) -> MessageClass {
    let usual = template.map_or(MessageClass::Transactional, |t| t.class);
    if usual == MessageClass::Marketing && draft.class == Some(MessageClass::Transactional) {
        let detail = "The template is for marketing: it cannot be sent as transactional.";
        reasons.push(Refusal::new("/class", "class_conflict", detail));
    }
    draft.class.unwrap_or(usual)
}

fn explain(code: &str) -> &'static str {
    match code {
        "recipient_opted_out" => "The recipient has opted out.",
        "recipient_suppressed" => "The address is on the suppression list.",
        _ => "Marketing needs an opt-in on record, and there is none for this address.",
    }
}
