//! The Lua scripts, put together from their parts.
//!
//! What several scripts must agree on (the keys of a lane, the gates, the way back into the turn) is written once,
//! under `scripts/parts/`, and stands before the script that uses it. Rejected: Redis functions, which every server
//! would have to be taught before its first call.

/// A script of the parts that it names, in their order, and its own file.
macro_rules! script {
    ($($part:literal),+) => {
        std::sync::LazyLock::new(|| redis::Script::new(concat!($(include_str!(concat!("scripts/", $part, ".lua"))),+)))
    };
}

pub(super) use script;
