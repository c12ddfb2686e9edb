//! The macro behind the list of ids: everything an id can do, written once.
//!
//! A macro rather than `Id<Marker>`: the names are short in signatures and errors, other crates can
//! implement their own traits per id, and no phantom type leaks into derives. The prefix is checked when
//! a program that uses the id is compiled.

/// Declares id types: `Name "prefix" "What it is the id of.";` per line.
macro_rules! typed_ids {
    ($($name:ident $prefix:literal $doc:literal;)+) => {$(
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, diesel::AsExpression, diesel::FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        pub struct $name(uuid::Uuid);

        impl $crate::ids::TypedId for $name {
            const PREFIX: &'static str = {
                assert!($crate::ids::typeid::is_prefix($prefix), "not a TypeID prefix");
                $prefix
            };

            fn from_uuid(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }

            fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::ids::typeid::write(<Self as $crate::ids::TypedId>::PREFIX, self.0, f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::ids::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::ids::typeid::read(<Self as $crate::ids::TypedId>::PREFIX, text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::to_sql(&self.0, out)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                diesel::deserialize::FromSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::from_sql(bytes).map(Self)
            }
        }
    )+

        #[cfg(test)]
        const PREFIXES: &[&str] = &[$($prefix),+];
    };
}

pub(super) use typed_ids;

#[cfg(test)]
mod tests {
    use crate::ids::{ContactId, IdError, MessageId, PREFIXES, TypedId};
    use uuid::Uuid;

    #[test]
    fn no_two_ids_share_a_prefix() {
        let mut sorted = PREFIXES.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), PREFIXES.len());
    }

    #[test]
    fn an_id_of_another_kind_is_refused_with_both_prefixes() {
        let contact = ContactId::from_uuid(Uuid::from_u128(7)).to_string();
        let refused = contact.parse::<MessageId>().unwrap_err();
        assert_eq!(refused, IdError::Prefix { expected: "msg" });
    }

    #[test]
    fn json_carries_the_text_form() {
        let id = MessageId::from_uuid(Uuid::from_u128(0x01890a5d_ac96_774b_bcce_b302099a8057));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, "\"msg_01h455vb4pex5vsknk084sn02q\"");
        assert_eq!(serde_json::from_str::<MessageId>(&json).unwrap(), id);
    }
}
