//! The domain's refusals, as problems with pointers.

use patchbay_domain::messages::accept::Refusal;

use crate::http::{Code, FieldError, Problem, bulk::BulkError};

/// Why a single message is not accepted.
pub(super) fn single(refusals: Vec<(Option<usize>, Refusal)>) -> Problem {
    let code = code(refusals.iter().map(|(_, refusal)| refusal.code));
    let errors: Vec<FieldError> = refusals.into_iter().map(|(_, refusal)| field(refusal)).collect();
    problem(code, errors)
}

/// Why nothing of a batch is accepted.
pub(super) fn batch(refusals: Vec<(Option<usize>, Refusal)>) -> Problem {
    let code = code(refusals.iter().map(|(_, refusal)| refusal.code));
    let errors = refusals.into_iter().map(|(index, refusal)| {
        let error = field(refusal);
        match index {
            Some(index) => FieldError { pointer: format!("/messages/{index}{}", error.pointer), ..error },
            None => error,
        }
    });
    problem(code, errors.collect())
}

/// Why one message of a batch is not accepted: the first reason.
pub(super) fn item(index: usize, refusals: Vec<Refusal>) -> Option<BulkError> {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    refusals.into_iter().next().map(|refusal| BulkError::at(index, field(refusal)))
}

/// Why an action that sends is not accepted; `place` is where the message of an index stands.
pub(crate) fn under(refusals: Vec<(Option<usize>, Refusal)>, place: impl Fn(Option<usize>) -> String) -> Problem {
    let code = code(refusals.iter().map(|(_, refusal)| refusal.code));
    let errors = refusals.into_iter().map(|(index, refusal)| {
        let error = field(refusal);
        FieldError { pointer: format!("{}{}", place(index), error.pointer), ..error }
    });
    problem(code, errors.collect())
}

fn field(refusal: Refusal) -> FieldError {
    FieldError { pointer: refusal.pointer.into_owned(), code: refusal.code, detail: refusal.detail.into_owned() }
}

fn problem(code: Code, errors: Vec<FieldError>) -> Problem {
    let detail = match &errors[..] {
        [only] => only.detail.clone(),
        _ => code.title().to_owned(),
    };
    Problem::new(code, detail).with_errors(errors)
}

/// The code that all reasons share, or the general one.
fn code(mut reasons: impl Iterator<Item = &'static str>) -> Code {
    let first = reasons.next().map_or(Code::ValidationFailed, of);
    if reasons.all(|reason| of(reason) == first) { first } else { Code::ValidationFailed }
}

fn of(reason: &str) -> Code {
    match reason {
        "recipient_opted_out" => Code::RecipientOptedOut,
        "recipient_suppressed" => Code::RecipientSuppressed,
        "recipient_not_opted_in" => Code::RecipientNotOptedIn,
        "missing_variable" | "unknown_variable" => Code::TemplateVariables,
        "no_sender" | "sender_not_found" | "provider_account_disabled" | "provider_auth_failed" => Code::NoSender,
        _ => Code::ValidationFailed,
    }
}
