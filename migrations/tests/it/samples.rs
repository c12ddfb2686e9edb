//! One row of every tenant table, in an order that satisfies the foreign keys.
//!
//! `isolation.rs` fails when the catalog holds a table that is missing here: adding a table means adding a line.

/// Tables whose rows are the operator's to write: a tenant only reads its own.
pub const OPERATORS: &[&str] = &["queue.stops", "queue.tenant_plans"];

/// Table and INSERT; `$t` stands for the tenant, quoted.
pub const SAMPLES: &[(&str, &str)] = &[
    ("api_keys", "INSERT INTO api_keys (tenant_id, id, name, hash, hint, mode, scopes)
        VALUES ($t, gen_random_uuid(), 'k', sha256(gen_random_uuid()::text::bytea), 'pb_test_…', 'test', '{}')"),
    ("events", "INSERT INTO events (tenant_id, id, type, subject) VALUES ($t, gen_random_uuid(), 'lead.created', 'x')"),
    ("audit_log", "INSERT INTO audit_log (tenant_id, id, actor, action, subject)
        VALUES ($t, gen_random_uuid(), 'a', 'b', 'c')"),
    ("idempotency_keys", "INSERT INTO idempotency_keys (tenant_id, key, operation, request_hash, status, headers, body, expires_at)
        VALUES ($t, 'k', 'op', sha256(''), 201, '{}', '', now())"),
    ("contacts", "INSERT INTO contacts (tenant_id, id) VALUES ($t, '00000000-0000-0000-0000-000000000001')"),
    ("contact_channels", "INSERT INTO contact_channels (tenant_id, id, contact_id, channel, address)
        VALUES ($t, gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 'sms', '+15005550006')"),
    ("consent_events", "INSERT INTO consent_events (tenant_id, id, channel, address, action, source)
        VALUES ($t, gen_random_uuid(), 'sms', '+15005550006', 'opt_out', 'keyword')"),
    ("suppressions", "INSERT INTO suppressions (tenant_id, channel, address, reason)
        VALUES ($t, 'sms', '+15005550006', 'stop')"),
    ("leads", "INSERT INTO leads (tenant_id, id, contact_id)
        VALUES ($t, gen_random_uuid(), '00000000-0000-0000-0000-000000000001')"),
    ("imports", "INSERT INTO imports (tenant_id, id, filename)
        VALUES ($t, '00000000-0000-0000-0000-000000000002', 'leads.csv')"),
    ("import_chunks", "INSERT INTO import_chunks (tenant_id, import_id, seq, bytes)
        VALUES ($t, '00000000-0000-0000-0000-000000000002', 0, '')"),
    (
        "import_addresses",
        "INSERT INTO import_addresses (tenant_id, import_id, channel, address, contact_id)
        VALUES ($t, '00000000-0000-0000-0000-000000000002', 'sms', '+15005550006', gen_random_uuid())",
    ),
    ("import_rows", "INSERT INTO import_rows (tenant_id, import_id, row_number, outcome, code, detail, fields)
        VALUES ($t, '00000000-0000-0000-0000-000000000002', 2, 'failed', 'c', 'd', '{}')"),
    ("provider_accounts", "INSERT INTO provider_accounts (tenant_id, id, kind, name, external_id, credentials)
        VALUES ($t, '00000000-0000-0000-0000-000000000003', 'twilio', 'n', 'AC1', '')"),
    ("senders", "INSERT INTO senders (tenant_id, id, provider_account_id, channel, address)
        VALUES ($t, gen_random_uuid(), '00000000-0000-0000-0000-000000000003', 'sms', '+15005550001')"),
    ("templates", "INSERT INTO templates (tenant_id, id, code, name, channel, body, variables)
        VALUES ($t, gen_random_uuid(), 'hello', 'n', 'sms', 'b', '{}')"),
    ("messages", "INSERT INTO messages (tenant_id, id, direction, channel, provider_account_id, from_address, to_address, body, segments, state)
        VALUES ($t, gen_random_uuid(), 'outbound', 'sms', '00000000-0000-0000-0000-000000000003', '+15005550001', '+15005550006', 'b', 1, 'queued')"),
    ("queue.jobs", "INSERT INTO queue.jobs (tenant_id, id, queue, kind, version, payload, run_at, max_attempts)
        VALUES ($t, gen_random_uuid(), 'q', 'k', 1, '', now(), 3)"),
    ("queue.unique_keys", "INSERT INTO queue.unique_keys (tenant_id, kind, key, job_id) VALUES ($t, 'k', 'x', gen_random_uuid())"),
    ("queue.groups", "INSERT INTO queue.groups (tenant_id, id) VALUES ($t, gen_random_uuid())"),
    ("queue.group_deltas", "INSERT INTO queue.group_deltas (tenant_id, group_id, total) VALUES ($t, gen_random_uuid(), 1)"),
    ("queue.dependencies", "INSERT INTO queue.dependencies (tenant_id, job_id, on_id, on_group, any_end)
        VALUES ($t, gen_random_uuid(), gen_random_uuid(), false, false)"),
    ("queue.ended_targets", "INSERT INTO queue.ended_targets (tenant_id, id) VALUES ($t, gen_random_uuid())"),
    ("queue.order_tails", "INSERT INTO queue.order_tails (tenant_id, key, job_id) VALUES ($t, 'k', gen_random_uuid())"),
    ("queue.pauses", "INSERT INTO queue.pauses (queue, tenant_id, paused_by) VALUES ('q', $t, 'x')"),
    ("queue.stops", "INSERT INTO queue.stops (queue, tenant_id, lane, sort, until) VALUES ('q', $t, '', 'penalty', now())"),
    ("queue.schedules", "INSERT INTO queue.schedules (tenant_id, id, name, cron, time_zone, catch_up)
        VALUES ($t, gen_random_uuid(), 'n', '0 0 9 * * *', 'UTC', 'last')"),
    ("queue.tenant_plans", "WITH plan AS (INSERT INTO queue.plans (name) VALUES ('p') ON CONFLICT (name) DO UPDATE SET weight = 1 RETURNING name)
        INSERT INTO queue.tenant_plans (tenant_id, plan) SELECT $t, name FROM plan"),
    ("queue.limits", "INSERT INTO queue.limits (tenant_id, queue, lane, rate_per_second, burst) VALUES ($t, 'q', '', 1, 1)"),
];
