//! The name of this process, as leases and the ledger know it.
//!
//! New for each process: a worker restarted under its old name would look like the owner of the dead one's leases, and
//! keep alive what nobody runs. The random part makes it so even where containers share a host name and a process id.

use patchbay_service::Entropy;

/// `host-pid-random`, such as `worker-7d9f-1-3fa9c2`.
#[must_use]
pub fn identity(entropy: &dyn Entropy) -> String {
    format!("{}-{}-{}", host(), std::process::id(), hex::encode(entropy.array::<3>()))
}

/// The host's name, as far as it is plain.
#[must_use]
pub(super) fn host() -> String {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_');
    let host: String = host.chars().filter(|letter| plain(*letter)).take(64).collect();
    if host.is_empty() { "host".to_owned() } else { host }
}

#[cfg(test)]
mod tests {
    use patchbay_service::SystemEntropy;

    use super::*;

    #[test]
    fn two_processes_never_share_a_name() {
        let (one, two) = (identity(&SystemEntropy), identity(&SystemEntropy));
        assert_ne!(one, two);
        assert!(one.contains(&format!("-{}-", std::process::id())), "{one}");
        assert!(!one.contains(char::is_whitespace));
    }
}
