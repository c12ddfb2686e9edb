//! What a batch of rows does to the records: which make a contact, which change one, which are left out.
//!
//! Decided here and not in SQL (`ON CONFLICT`), because the rule has three parties: the row's phone, its e-mail,
//! and the rows before it in the same batch; and because each row needs its own outcome with its own words.
//! It is plain computing over what a lookup found, so that every case is tested without a database. Rows of
//! earlier batches are found like any other contact: they are written by then.

mod candidate;

use std::collections::HashMap;

use uuid::Uuid;

pub use candidate::{Candidate, Cells};

use super::options::Dedupe;
use super::row::{NewRow, RowError, RowOutcome, RowProblem, SmsConsent};

/// Who has an address already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The contact.
    pub contact: Uuid,
    /// Whether an earlier row of this import made it.
    pub from_this_file: bool,
}

/// The addresses of a batch that contacts have already.
#[derive(Debug, Default)]
pub struct Book {
    /// By E.164.
    pub phones: HashMap<String, Known>,
    /// By e-mail address.
    pub emails: HashMap<String, Known>,
}

/// A contact to be made.
#[derive(Debug, PartialEq)]
pub struct Created {
    /// Its fields; `phone` and `email` are the first of each.
    pub row: NewRow,
    /// All its addresses.
    pub addresses: Vec<Address>,
}

/// A contact to be changed.
#[derive(Debug, PartialEq)]
pub struct Updated {
    /// Which.
    pub contact: Uuid,
    /// Fields that are set overwrite.
    pub row: NewRow,
    /// Addresses that it did not have.
    pub added: Vec<Address>,
    /// What rows say about the consent of a phone that it has already.
    pub consents: Vec<(String, SmsConsent)>,
}

/// One address on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `sms` or `email`.
    pub channel: &'static str,
    /// E.164 or an e-mail address.
    pub address: String,
    /// Consent on that channel.
    pub consent: SmsConsent,
}

/// What one batch does. Each row is counted once.
#[derive(Debug, Default, PartialEq)]
pub struct Plan {
    /// Contacts to be made.
    pub created: Vec<Created>,
    /// Contacts to be changed.
    pub updated: Vec<Updated>,
    /// Rows that are not taken.
    pub problems: Vec<RowProblem>,
    /// Rows that changed a contact; several may have changed the same.
    pub rows_updated: usize,
}

/// Whom an address of the batch leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Created(usize),
    Updated(usize),
}

struct Planner<'b> {
    book: &'b Book,
    dedupe: Dedupe,
    plan: Plan,
    phones: HashMap<String, Owner>,
    emails: HashMap<String, Owner>,
    updates: HashMap<Uuid, usize>,
}

/// Plans `candidates`, which are in the order of the file.
#[must_use]
pub fn plan(candidates: &[Candidate], book: &Book, dedupe: Dedupe) -> Plan {
    let mut planner = Planner {
        book,
        dedupe,
        plan: Plan::default(),
        phones: HashMap::with_capacity(candidates.len()),
        emails: HashMap::with_capacity(candidates.len()),
        updates: HashMap::new(),
    };
    candidates.iter().for_each(|candidate| planner.place(candidate));
    planner.plan
}

impl Planner<'_> {
    fn place(&mut self, candidate: &Candidate) {
        let phone = candidate.row.phone.as_ref().map(|phone| phone.as_str());
        let email = candidate.row.email.as_ref().map(|email| email.as_str());
        let in_batch = |owners: &HashMap<String, Owner>, address: Option<&str>| owners.get(address?).copied();
        let known = |known: &HashMap<String, Known>, address: Option<&str>| known.get(address?).copied();
        let by_phone = (in_batch(&self.phones, phone), known(&self.book.phones, phone));
        let by_email = (in_batch(&self.emails, email), known(&self.book.emails, email));
        let (phone_taken, email_taken) = (is_taken(by_phone), is_taken(by_email));
        if !phone_taken && !email_taken {
            return self.create(candidate.row.clone());
        }
        if self.dedupe == Dedupe::Skip {
            let (what, owner) = if phone_taken { ("phone", by_phone) } else { ("e-mail address", by_email) };
            let code = if phone_taken { "duplicate_phone" } else { "duplicate_email" };
            let inside = owner.0.is_some() || owner.1.is_some_and(|known| known.from_this_file);
            let whose = if inside { "an earlier row of this file" } else { "a contact" };
            let error = RowError::row(code, format!("{whose} has this {what} already"));
            return self.plan.problems.push(candidate.problem(RowOutcome::Skipped, error));
        }
        let owners = (phone_taken.then(|| self.owner(by_phone)), email_taken.then(|| self.owner(by_email)));
        match owners {
            (Some(a), Some(b)) if a != b => {
                let detail = "the phone number belongs to one contact and the e-mail address to another; merge them, or remove one from the row";
                self.plan
                    .problems
                    .push(candidate.problem(RowOutcome::Failed, RowError::row("row_matches_two_contacts", detail)));
            }
            (Some(owner), _) | (None, Some(owner)) => {
                self.change(owner, candidate.row.clone(), phone_taken, email_taken);
            }
            (None, None) => self.create(candidate.row.clone()),
        }
    }

    /// The slot of an address that is taken, made where a known contact has none yet.
    fn owner(&mut self, (in_batch, known): (Option<Owner>, Option<Known>)) -> Owner {
        if let Some(owner) = in_batch {
            return owner;
        }
        let contact = known.map_or(Uuid::nil(), |known| known.contact);
        let at = *self.updates.entry(contact).or_insert_with(|| {
            self.plan.updated.push(Updated {
                contact,
                row: NewRow::default(),
                added: Vec::new(),
                consents: Vec::new(),
            });
            self.plan.updated.len() - 1
        });
        Owner::Updated(at)
    }

    fn create(&mut self, row: NewRow) {
        let owner = Owner::Created(self.plan.created.len());
        let addresses = self.claim(owner, &row, true, true);
        self.plan.created.push(Created { row, addresses });
    }

    fn change(&mut self, owner: Owner, row: NewRow, has_phone: bool, has_email: bool) {
        self.plan.rows_updated += 1;
        let added = self.claim(owner, &row, !has_phone, !has_email);
        match owner {
            Owner::Created(at) => {
                let created = &mut self.plan.created[at];
                let phone = row.phone.as_ref().filter(|_| has_phone).map(|phone| phone.as_str());
                for address in created.addresses.iter_mut().filter(|address| Some(address.address.as_str()) == phone) {
                    address.consent = stronger(address.consent, row.sms_consent);
                }
                created.row.overwrite_with(row);
                created.addresses.extend(added);
            }
            Owner::Updated(at) => {
                let updated = &mut self.plan.updated[at];
                if let Some(phone) = row.phone.as_ref().filter(|_| has_phone && row.sms_consent != SmsConsent::Unknown)
                {
                    updated.consents.push((phone.as_str().to_owned(), row.sms_consent));
                }
                updated.row.overwrite_with(row);
                updated.added.extend(added);
            }
        }
    }

    /// Makes the row's free addresses the owner's.
    fn claim(&mut self, owner: Owner, row: &NewRow, phone: bool, email: bool) -> Vec<Address> {
        let mut claimed = Vec::with_capacity(2);
        if let Some(phone) = row.phone.as_ref().filter(|_| phone) {
            self.phones.insert(phone.as_str().to_owned(), owner);
            claimed.push(Address { channel: "sms", address: phone.as_str().to_owned(), consent: row.sms_consent });
        }
        if let Some(email) = row.email.as_ref().filter(|_| email) {
            self.emails.insert(email.as_str().to_owned(), owner);
            claimed.push(Address {
                channel: "email",
                address: email.as_str().to_owned(),
                consent: SmsConsent::Unknown,
            });
        }
        claimed
    }
}

fn is_taken((in_batch, known): (Option<Owner>, Option<Known>)) -> bool {
    in_batch.is_some() || known.is_some()
}

/// An opt-out is never undone by a file; an opt-in outweighs saying nothing.
fn stronger(a: SmsConsent, b: SmsConsent) -> SmsConsent {
    match (a, b) {
        (SmsConsent::OptedOut, _) | (_, SmsConsent::OptedOut) => SmsConsent::OptedOut,
        (SmsConsent::OptedIn, _) | (_, SmsConsent::OptedIn) => SmsConsent::OptedIn,
        _ => SmsConsent::Unknown,
    }
}
