//! SQL written by hand, prepared once per connection.
//!
//! `diesel::sql_query` is never cached: each call parses the statement anew and costs a round trip
//! more, which is most of the time of a one-row insert. The statements here are `'static`, so the
//! text itself is a good cache key and the prepared statement can be kept. Everything else is as in
//! diesel: typed binds, rows by `QueryableByName`. Do not build the text at run time with `leak` or
//! the like: every variant would stay prepared in every connection.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};

/// A statement with `$1…` placeholders; add values with [`Statement::bind`], in their order.
#[must_use = "a statement does nothing until it is loaded or executed"]
pub const fn statement(sql: &'static str) -> Statement {
    Statement { sql }
}

/// See [`statement`].
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    sql: &'static str,
}

/// A statement with one more value than `Q`.
#[derive(Debug, Clone, Copy)]
pub struct Bound<Q, U, ST> {
    query: Q,
    value: U,
    sql_type: PhantomData<ST>,
}

impl Statement {
    /// The value of `$1`, as SQL type `ST`.
    pub const fn bind<ST, U>(self, value: U) -> Bound<Self, U, ST> {
        Bound { query: self, value, sql_type: PhantomData }
    }
}

impl<Q, V, T> Bound<Q, V, T> {
    /// The value of the next placeholder, as SQL type `ST`.
    pub const fn bind<ST, U>(self, value: U) -> Bound<Self, U, ST> {
        Bound { query: self, value, sql_type: PhantomData }
    }
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.sql);
        Ok(())
    }
}

impl<Q, U, ST> QueryFragment<Pg> for Bound<Q, U, ST>
where
    Q: QueryFragment<Pg>,
    U: ToSql<ST, Pg>,
    Pg: HasSqlType<ST>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_bind_param_value_only(&self.value)
    }
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl<Q, U, ST> Query for Bound<Q, U, ST> {
    type SqlType = Untyped;
}

// No static id: diesel then keys its statement cache by the text and the types of the binds.
impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q, U, ST> QueryId for Bound<Q, U, ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
