//! The keys of a lane, as `lanes/scripts/parts/keys.lua` names them.

use uuid::Uuid;

use crate::SYSTEM_TENANT;
use crate::lanes::{DEPTH, LaneName, SEPARATOR};

/// A key, in its queue.
pub(super) type At = (String, LaneName);

/// The keys of a lane, the widest first: the queue, the tenant, each prefix of the lane's path for the tenant, and each
/// shared by all tenants. A path that is too deep has its first prefixes and its whole.
pub(super) fn keys(tenant: Uuid, lane: &str) -> Vec<LaneName> {
    let mut prefixes: Vec<&str> = lane.match_indices(SEPARATOR).map(|(at, _)| &lane[..at]).take(DEPTH - 1).collect();
    prefixes.push(lane);
    prefixes.retain(|prefix| !prefix.is_empty());
    let whole = [SYSTEM_TENANT, tenant].map(|tenant| (tenant, ""));
    let own = prefixes.iter().map(|prefix| (tenant, *prefix));
    let shared = prefixes.iter().map(|prefix| (SYSTEM_TENANT, *prefix));
    let mut keys: Vec<LaneName> = Vec::new();
    for (tenant, prefix) in whole.into_iter().chain(own).chain(shared) {
        let key = LaneName { tenant, lane: prefix.to_owned() };
        // Those of the system's own lanes are shared ones.
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_of_a_path_comes_once_and_the_widest_first() {
        let tenant = Uuid::from_u128(7);
        let named = |tenant, lane| {
            let keys = keys(tenant, lane).into_iter();
            keys.map(|key| (u8::from(!key.tenant.is_nil()), key.lane)).collect::<Vec<_>>()
        };
        let told = |keys: &[(u8, &str)]| keys.iter().map(|(own, lane)| (*own, (*lane).to_owned())).collect::<Vec<_>>();
        assert_eq!(named(tenant, ""), told(&[(0, ""), (1, "")]));
        assert_eq!(named(tenant, "a~b"), told(&[(0, ""), (1, ""), (1, "a"), (1, "a~b"), (0, "a"), (0, "a~b")]));
        assert_eq!(named(SYSTEM_TENANT, "a"), told(&[(0, ""), (0, "a")]));
        let deep = named(SYSTEM_TENANT, "a~b~c~d~e~f~g");
        assert_eq!((deep.len(), deep[5].1.as_str(), deep[6].1.as_str()), (7, "a~b~c~d~e", "a~b~c~d~e~f~g"));
    }
}
