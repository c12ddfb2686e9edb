//! From what people write to digits and one fact: does the number say its country?
//!
//! Kept apart from reading, so that the many spellings (wide punctuation, digits of other scripts, invisible
//! marks that copy and paste leaves, the prefixes of lead-form exports) never touch the numbering rules.

use super::PhoneError;

/// More characters than any phone field that was meant as one.
const LONGEST: usize = 250;

/// Digits, and whether a `+` (or a `phone-context`) stood before them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cleaned {
    pub(super) digits: String,
    pub(super) international: bool,
}

/// What exports put before a number: URI schemes, Facebook's `p:`.
const SCHEMES: [&str; 6] = ["tel:", "sms:", "callto:", "whatsapp:", "phone:", "p:"];

pub(super) fn clean(text: &str) -> Result<Cleaned, PhoneError> {
    let mut rest = text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c));
    // A spreadsheet's mark for "this is text".
    rest = rest.strip_prefix('\'').unwrap_or(rest);
    if rest.len() > LONGEST {
        return Err(PhoneError::NotANumber);
    }
    for scheme in SCHEMES {
        if rest.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)) {
            rest = &rest[scheme.len()..];
        }
    }
    let (rest, context) = parameters(rest)?;
    if is_scientific(rest) {
        return Err(PhoneError::Scientific);
    }
    let mut cleaned = Cleaned { digits: String::with_capacity(16), international: false };
    for (at, c) in rest.char_indices() {
        if let Some(digit) = digit(c) {
            cleaned.digits.push(digit);
        } else if matches!(c, '+' | '\u{FF0B}' | '\u{FE62}') {
            if !cleaned.digits.is_empty() {
                return Err(PhoneError::NotANumber);
            }
            cleaned.international = true;
        } else if !is_punctuation(c) && !is_invisible(c) {
            return Err(if is_extension(&rest[at..]) { PhoneError::Extension } else { PhoneError::NotANumber });
        }
    }
    if cleaned.digits.is_empty() {
        return Err(PhoneError::Empty);
    }
    if let (false, Some(context)) = (cleaned.international, context) {
        cleaned.digits.insert_str(0, context);
        cleaned.international = true;
    }
    Ok(cleaned)
}

/// Cuts RFC 3966 parameters off, and returns the digits of a global `phone-context`.
fn parameters(text: &str) -> Result<(&str, Option<&str>), PhoneError> {
    let Some((number, parameters)) = text.split_once(';') else {
        return Ok((text, None));
    };
    let mut context = None;
    for parameter in parameters.split(';') {
        match parameter.split_once('=') {
            Some((name, _)) if name.eq_ignore_ascii_case("ext") => {
                return Err(PhoneError::Extension);
            }
            Some((name, value)) if name.eq_ignore_ascii_case("phone-context") => {
                context = value.strip_prefix('+').filter(|code| code.bytes().all(|b| b.is_ascii_digit()));
            }
            Some(_) => {}
            // `number; other number`
            None => return Err(PhoneError::NotANumber),
        }
    }
    Ok((number, context))
}

/// `4.47911E+11`, also with a decimal comma.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let mut parts = mantissa.splitn(2, ['.', ',']);
    let whole = parts.next().unwrap_or_default();
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    whole.len() == 1 && digits(whole) && parts.all(digits) && !exponent.is_empty() && digits(exponent)
}

/// `x12`, `ext. 12`, `#12`, `доб. 12`, … up to the end of the field.
fn is_extension(tail: &str) -> bool {
    let label = tail.trim_end_matches(|c: char| digit(c).is_some() || c.is_whitespace());
    if label.len() == tail.len() {
        return false;
    }
    let label = label.trim_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ':' | ',' | '-')).to_lowercase();
    matches!(
        label.as_str(),
        "x" | "\u{FF58}"
            | "#"
            | "\u{FF03}"
            | "ext"
            | "extn"
            | "extension"
            | "extensión"
            | "anexo"
            | "int"
            | "interno"
            | "poste"
            | "ramal"
            | "durchwahl"
            | "dw"
            | "доб"
            | "تحويلة"
            | "内線"
            | "分机"
    )
}

/// The first digit of each decimal block that phone exports have been seen to use (Unicode category Nd).
const ZEROS: [u32; 16] = [
    0x0030, 0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50,
    0x0ED0, 0xFF10,
];

fn digit(c: char) -> Option<char> {
    if c.is_ascii_digit() {
        return Some(c);
    }
    let point = u32::from(c);
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&point))?;
    char::from_digit(point - zero, 10)
}

fn is_punctuation(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '(' | ')' | '[' | ']' | '/' | '~' | '_' | '\u{00B7}' | '\u{2010}'..='\u{2015}' | '\u{2022}' | '\u{2053}'
            | '\u{2212}' | '\u{223C}' | '\u{30FC}' | '\u{FF08}' | '\u{FF09}' | '\u{FF0D}'..='\u{FF0F}' | '\u{FF3B}' | '\u{FF3D}' | '\u{FF5E}')
}

/// Soft hyphens, zero-width characters, direction marks, a byte-order mark.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{061C}')
}
