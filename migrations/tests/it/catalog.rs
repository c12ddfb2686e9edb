//! Rules that hold for every table, asked of the catalog, so that a new table is held to them without a new test.

use patchbay_db::testdb::TestDb;

use crate::support::{owner, texts};

/// Runs a query that lists offenders, and wants none.
async fn nobody(sql: &str) {
    let db = TestDb::new().await;
    let offenders = texts(&owner(db.url()).await, sql).await;
    assert!(offenders.is_empty(), "{offenders:#?}");
}

/// Every table of ours with a tenant_id column (and `tenants` itself); partitions are `relispartition`.
const TENANT_TABLES: &str = "tenant_tables AS (
    SELECT c.oid, c.oid::regclass::text AS name, c.relispartition, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'queue') AND c.relkind IN ('r', 'p')
      AND (c.oid = 'public.tenants'::regclass OR EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)))";

#[tokio::test]
async fn the_catalog_queries_see_the_tables() {
    let db = TestDb::new().await;
    let sql = format!("WITH {TENANT_TABLES} SELECT name FROM tenant_tables");
    let seen = texts(&owner(db.url()).await, &sql).await;
    for table in ["tenants", "contacts", "messages", "queue.jobs", "queue.jobs_default"] {
        assert!(seen.iter().any(|name| name == table), "{table} is not among {seen:?}");
    }
}

#[tokio::test]
async fn row_level_security_is_enabled_and_forced_on_every_tenant_table_and_partition() {
    nobody(&format!(
        "WITH {TENANT_TABLES} SELECT name FROM tenant_tables WHERE NOT (relrowsecurity AND relforcerowsecurity)"
    ))
    .await;
}

#[tokio::test]
async fn every_tenant_table_has_a_policy_of_the_application_that_asks_for_the_tenant() {
    nobody(&format!(
        "WITH {TENANT_TABLES} SELECT name FROM tenant_tables t WHERE NOT relispartition AND NOT EXISTS (
            SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polroles = ARRAY['patchbay_app'::regrole::oid]
              AND pg_get_expr(p.polqual, p.polrelid) LIKE '%current_tenant()%')"
    ))
    .await;
}

#[tokio::test]
async fn no_policy_of_the_application_leaves_the_tenant_out() {
    nobody(
        "SELECT format('%s: %s', polrelid::regclass, polname) FROM pg_policy
         WHERE (polroles && ARRAY['patchbay_app'::regrole::oid, 0::oid])
           AND (coalesce(pg_get_expr(polqual, polrelid), 'current_tenant()') NOT LIKE '%current_tenant()%'
             OR coalesce(pg_get_expr(polwithcheck, polrelid), 'current_tenant()') NOT LIKE '%current_tenant()%')",
    )
    .await;
}

#[tokio::test]
async fn the_application_reaches_partitions_through_their_parent_only() {
    nobody(
        "SELECT oid::regclass::text FROM pg_class WHERE relispartition AND relkind = 'r'
         AND has_table_privilege('patchbay_app', oid, 'SELECT, INSERT, UPDATE, DELETE')",
    )
    .await;
}

#[tokio::test]
async fn partitions_made_later_are_under_row_level_security_too() {
    let db = TestDb::new().await;
    let client = owner(db.url()).await;
    texts(&client, "SELECT queue.ensure_partitions('2030-01-01', 2)::text").await;
    let open = texts(
        &client,
        "SELECT oid::regclass::text FROM pg_class WHERE oid = 'queue.jobs_20300102'::regclass
         AND NOT (relrowsecurity AND relforcerowsecurity)",
    )
    .await;
    assert!(open.is_empty());
}

#[tokio::test]
async fn every_foreign_key_has_an_index_that_begins_with_its_columns() {
    nobody(
        "SELECT format('%s: %s', c.conrelid::regclass, c.conname) FROM pg_constraint c
         WHERE c.contype = 'f' AND NOT EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indisvalid
              -- A reference that is null is none: an index without the nulls is enough.
              AND (i.indpred IS NULL OR EXISTS (
                SELECT FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
                  AND pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname)))
              AND (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey)",
    )
    .await;
}

/// A foreign-key check does not see row-level security: without the tenant in the key, a row could point at another's.
#[tokio::test]
async fn every_foreign_key_between_tenant_tables_carries_the_tenant() {
    nobody(
        "SELECT format('%s: %s', c.conrelid::regclass, c.conname) FROM pg_constraint c
         JOIN pg_attribute f ON f.attrelid = c.conrelid AND f.attname = 'tenant_id'
         JOIN pg_attribute t ON t.attrelid = c.confrelid AND t.attname = 'tenant_id'
         WHERE c.contype = 'f' AND NOT EXISTS (
            SELECT FROM generate_subscripts(c.conkey, 1) i
            WHERE c.conkey[i] = f.attnum AND c.confkey[i] = t.attnum)",
    )
    .await;
}

#[tokio::test]
async fn the_roles_have_no_powers_of_their_own() {
    nobody(
        "SELECT rolname::text FROM pg_roles WHERE rolname IN ('patchbay_app', 'patchbay_system')
         AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR rolcanlogin)",
    )
    .await;
    nobody("SELECT 'app acts for system' WHERE pg_has_role('patchbay_app', 'patchbay_system', 'MEMBER')").await;
}

#[tokio::test]
async fn the_roles_own_nothing_and_can_change_no_schema() {
    nobody(
        "SELECT format('%s: %s', r.rolname, what) FROM pg_roles r, LATERAL (
            SELECT 'owns ' || oid::regclass AS what FROM pg_class WHERE relowner = r.oid
            UNION ALL SELECT 'creates in ' || nspname FROM pg_namespace
                WHERE nspname IN ('public', 'queue') AND has_schema_privilege(r.oid, oid, 'CREATE')
            UNION ALL SELECT 'creates schemas' WHERE has_database_privilege(r.oid, current_database(), 'CREATE')
            UNION ALL SELECT 'truncates or more: ' || oid::regclass FROM pg_class
                WHERE relnamespace IN ('public'::regnamespace, 'queue'::regnamespace) AND relkind IN ('r', 'p')
                  AND has_table_privilege(r.oid, oid, 'TRUNCATE, REFERENCES, TRIGGER')) found
         WHERE r.rolname IN ('patchbay_app', 'patchbay_system')",
    )
    .await;
}

#[tokio::test]
async fn what_is_append_only_cannot_be_rewritten_by_the_application() {
    nobody(
        "SELECT name FROM unnest(ARRAY['events', 'audit_log', 'consent_events']) name
         WHERE has_table_privilege('patchbay_app', name, 'UPDATE, DELETE')",
    )
    .await;
}

#[tokio::test]
async fn functions_that_run_as_the_owner_are_not_for_everybody_and_fix_their_search_path() {
    nobody(
        "SELECT oid::regprocedure::text FROM pg_proc WHERE prosecdef AND pronamespace::regnamespace::text IN ('public', 'queue')
         AND (has_function_privilege('patchbay_app', oid, 'EXECUTE')
           OR NOT coalesce(array_to_string(proconfig, ','), '') LIKE '%search_path=pg_catalog, pg_temp%')",
    )
    .await;
}
