//! What a tenant's defaults may be. The names of zones and countries are checked against their registries here, at the
//! door, because a wrong zone would be found at night, by a message that leaves in someone's quiet hours.

use crate::countries::Country;

/// A value that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TenantFault {
    /// No such time zone.
    #[error("Not a time zone of the IANA database, such as America/Chicago.")]
    Timezone,
    /// No such country.
    #[error("Not a country of ISO 3166-1 alpha-2, such as US.")]
    Country,
    /// No such plan.
    #[error("There is no plan of this name.")]
    Plan,
}

impl TenantFault {
    /// The field it is about.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Timezone => "timezone",
            Self::Country => "default_country",
            Self::Plan => "plan",
        }
    }
}

/// Checks a zone and a country, where given.
///
/// # Errors
/// The first value that is refused.
pub fn check(timezone: Option<&str>, country: Option<&str>) -> Result<(), TenantFault> {
    if timezone.is_some_and(|zone| zone.parse::<chrono_tz::Tz>().is_err()) {
        return Err(TenantFault::Timezone);
    }
    if country.is_some_and(|code| !Country::parse(code).is_ok_and(|country| country.as_str() == code)) {
        return Err(TenantFault::Country);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_countries_are_checked_against_their_registries() {
        assert_eq!(check(Some("America/Chicago"), Some("US")), Ok(()));
        assert_eq!(check(Some("Middle/Earth"), None), Err(TenantFault::Timezone));
        assert_eq!(check(None, Some("XX")), Err(TenantFault::Country));
        assert_eq!(check(None, None), Ok(()));
    }
}
