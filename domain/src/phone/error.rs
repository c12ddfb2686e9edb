//! Why a text is not a number one can text: each cause has a stable code, because errors files, API answers
//! and a person's repair of a spreadsheet all depend on telling them apart.

/// Why a phone number was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing that could be a digit.
    #[error("the phone number is empty")]
    Empty,
    /// Letters or signs that no phone number holds, or more than one number.
    #[error("this is not a phone number")]
    NotANumber,
    /// `ext. 12`, `x12`, `#12`: a text cannot be sent to an extension.
    #[error("the phone number has an extension, which cannot receive messages; remove it, or give a direct number")]
    Extension,
    /// `4.47911E+11`: a spreadsheet has replaced the digits.
    #[error(
        "a spreadsheet has turned the phone number into scientific notation, which loses digits; format the column as text and export it again"
    )]
    Scientific,
    /// A national number, and no country to read it in.
    #[error(
        "the phone number has no country code, and there is no default country; write it as +<country code><number>"
    )]
    NoCountry,
    /// `+` followed by a country code that is not assigned.
    #[error("the phone number starts with a country code that does not exist")]
    UnknownCountryCode,
    /// Fewer digits than any number of that country.
    #[error("the phone number is too short for its country")]
    TooShort,
    /// More digits than any number of that country.
    #[error("the phone number is too long for its country")]
    TooLong,
    /// A length that no number of that country has, or one without its area code.
    #[error("no phone number of its country has this many digits")]
    NotPossible,
    /// The right length, but in no range that the country has assigned.
    #[error("the phone number is in no range that its country has assigned")]
    Invalid,
}

impl PhoneError {
    /// The stable name of the cause.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "phone_empty",
            Self::NotANumber => "phone_not_a_number",
            Self::Extension => "phone_has_extension",
            Self::Scientific => "phone_scientific_notation",
            Self::NoCountry => "phone_no_country",
            Self::UnknownCountryCode => "phone_unknown_country_code",
            Self::TooShort => "phone_too_short",
            Self::TooLong => "phone_too_long",
            Self::NotPossible => "phone_not_possible",
            Self::Invalid => "phone_invalid",
        }
    }
}
