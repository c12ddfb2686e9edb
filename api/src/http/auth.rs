//! From the `Authorization` header to a [`Caller`], and what a failed attempt costs.

use poem::{Request, http::header};

use super::{code::Code, exchange::Exchange, keyring::Caller, problem::Problem};
use crate::app::App;

/// The state that the server gives every request.
///
/// # Panics
/// If an endpoint is served without `server::endpoint`, which is a mistake in the program.
pub fn app(request: &Request) -> &App {
    request.data::<App>().expect("server::endpoint gives every request the App")
}

/// The notes that the front door made for the request.
///
/// # Panics
/// As [`app`].
pub fn exchange(request: &Request) -> &Exchange {
    request.data::<Exchange>().expect("server::endpoint gives every request its Exchange")
}

/// Who calls. A failed attempt is charged to the caller's address.
///
/// # Errors
/// Those of `Keyring::identify`, and `rate_limited` for an address with too many failures.
pub async fn identify(request: &Request) -> Result<Caller, Problem> {
    let app = app(request);
    let failed = match bearer(request) {
        Ok(token) => match app.keys.identify(token, app.clock.now()).await {
            Ok(caller) => return Ok(caller),
            Err(problem) => problem,
        },
        Err(problem) => problem,
    };
    if failed.code() == Code::Unauthenticated
        && let Some(address) = request.remote_addr().as_socket_addr()
    {
        exchange(request).set_budget(app.limits.charge_address(address.ip())?);
    }
    Err(failed)
}

fn bearer(request: &Request) -> Result<&str, Problem> {
    let header = request.headers().get(header::AUTHORIZATION);
    let header =
        header.ok_or_else(|| Problem::new(Code::Unauthenticated, "The request has no Authorization header."))?;
    let scheme_and_token = header.to_str().ok().and_then(|text| text.split_once(' '));
    match scheme_and_token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Ok(token.trim()),
        _ => Err(Problem::new(Code::Unauthenticated, "The Authorization header is not of the form: Bearer <API key>.")),
    }
}

/// The refusal of a tenant's key where the system key is needed, or the other way round.
#[must_use]
pub fn wrong_kind(needed: &str) -> Problem {
    Problem::new(Code::Forbidden, format!("This operation takes {needed}."))
}
