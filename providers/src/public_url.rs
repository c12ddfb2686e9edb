//! Which URLs a provider may have called, seen from behind a proxy.
//!
//! A provider signs the URL it was given, but the server sees the one its proxy made of it. The configured public URL
//! comes first and is always tried. What the proxy says in `X-Forwarded-*` is used only when the operator vouches for
//! the proxy: otherwise a caller could replay, against us, a request that the provider signed for another host that
//! shares the account.

use reqwest::header::HeaderMap;
use url::Url;

/// Rebuilds the public form of received URLs.
#[derive(Debug, Clone)]
pub struct PublicUrl {
    base: String,
    trust_forwarded: bool,
}

impl PublicUrl {
    /// `base` is the configured public URL, with a path when the service is published under one.
    #[must_use]
    pub fn new(base: &Url, trust_forwarded: bool) -> Self {
        Self { base: base.as_str().trim_end_matches('/').to_owned(), trust_forwarded }
    }

    /// The URLs a provider may have called to make this request, most likely first.
    ///
    /// `path_and_query` is as received, byte for byte: decoding it would change what was signed.
    #[must_use]
    pub fn candidates(&self, path_and_query: &str, headers: &HeaderMap) -> Vec<String> {
        let mut urls = vec![format!("{}{path_and_query}", self.base)];
        if self.trust_forwarded {
            urls.extend(forwarded(headers).into_iter().map(|origin| format!("{origin}{path_and_query}")));
        }
        let mut seen = std::collections::HashSet::new();
        urls.retain(|url| seen.insert(url.clone()));
        urls
    }
}

fn forwarded(headers: &HeaderMap) -> Vec<String> {
    // Proxies append to these lists; the first entry is what the caller used.
    let first = |name: &str| Some(headers.get(name)?.to_str().ok()?.split(',').next()?.trim());
    let Some(host) = first("x-forwarded-host").or_else(|| first("host")).filter(|host| is_host(host)) else {
        return Vec::new();
    };
    let scheme = match first("x-forwarded-proto") {
        Some("https") => "https",
        Some("http") => "http",
        _ => return Vec::new(),
    };
    let mut origins = vec![format!("{scheme}://{host}")];
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if let Some(port) = first("x-forwarded-port").and_then(|port| port.parse::<u16>().ok()).filter(|_| !has_port) {
        origins.push(format!("{scheme}://{host}:{port}"));
    }
    origins
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(base: &str, trust: bool, headers: &[(&'static str, &str)]) -> Vec<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        PublicUrl::new(&base.parse().unwrap(), trust).candidates("/v1/hook?a=b%20c", &headers)
    }

    const PROXY: &[(&str, &str)] =
        &[("x-forwarded-proto", "https, http"), ("x-forwarded-host", "crm.example.com, inner"), ("host", "inner")];

    #[test]
    fn forwarded_headers_count_only_when_trusted() {
        let ours = "https://api.example.com/v1/hook?a=b%20c";
        assert_eq!(candidates("https://api.example.com/", false, PROXY), [ours]);
        assert_eq!(
            candidates("https://api.example.com", true, PROXY),
            [ours, "https://crm.example.com/v1/hook?a=b%20c"]
        );
    }

    #[test]
    fn a_published_path_and_a_forwarded_port_are_kept() {
        assert_eq!(
            candidates(
                "https://a.example/patchbay/",
                true,
                &[("x-forwarded-proto", "http"), ("host", "b.example"), ("x-forwarded-port", "8443")]
            ),
            [
                "https://a.example/patchbay/v1/hook?a=b%20c",
                "http://b.example/v1/hook?a=b%20c",
                "http://b.example:8443/v1/hook?a=b%20c"
            ]
        );
    }

    #[test]
    fn a_host_that_is_no_host_is_ignored() {
        for host in ["evil.example/path", "user@evil.example", "", "a b"] {
            let headers = [("x-forwarded-proto", "https"), ("x-forwarded-host", host)];
            assert_eq!(candidates("https://a.example", true, &headers).len(), 1, "{host}");
        }
    }
}
