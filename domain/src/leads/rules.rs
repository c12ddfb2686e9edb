//! What the fields of a lead may hold.

use super::model::LeadFields;
use crate::contacts::{ChannelKind, ContactError, Fault, address, check_attributes, check_text};
use crate::countries::Country;

/// Checks every field, and brings phone and e-mail into their stored form.
pub(super) fn check(fields: &mut LeadFields, country: Option<Country>) -> Result<(), ContactError> {
    let mut faults = Vec::new();
    let texts = [
        ("/first_name", fields.first_name.as_deref()),
        ("/last_name", fields.last_name.as_deref()),
        ("/company_name", fields.company_name.as_deref()),
        ("/source", Some(fields.source.as_str())),
    ];
    faults.extend(texts.into_iter().filter_map(|(pointer, text)| check_text(pointer, text?)));
    if fields.source.trim().is_empty() {
        faults.push(Fault::at("/source", "source_empty", "a source is a word such as web or referral"));
    }
    for (pointer, channel, field) in
        [("/phone", ChannelKind::Sms, &mut fields.phone), ("/email", ChannelKind::Email, &mut fields.email)]
    {
        let Some(text) = field else { continue };
        match address(pointer, channel, text, country) {
            Ok(stored) => *text = stored,
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(check_attributes("/attributes", &fields.attributes));
    if faults.is_empty() { Ok(()) } else { Err(ContactError::Invalid(faults)) }
}
