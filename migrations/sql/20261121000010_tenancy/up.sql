-- Tenants, their keys, and what every area needs: events, audit, idempotency.
-- Every tenant table has the key (tenant_id, id): it is the keyset of its lists, and foreign keys
-- carry the tenant, because a foreign-key check does not see row-level security.
GRANT USAGE ON SCHEMA public TO patchbay_app, patchbay_system;
-- PostgreSQL 14 lets everybody make tables in `public`; from 15 on nobody but the owner may.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

CREATE TABLE tenants (
    id              uuid        NOT NULL PRIMARY KEY,
    parent_id       uuid        REFERENCES tenants (id),
    name            text        NOT NULL CHECK (name <> ''),
    timezone        text        NOT NULL DEFAULT 'UTC',
    locale          text        NOT NULL DEFAULT 'en',
    currency        text        NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
    default_country text        CHECK (default_country ~ '^[A-Z]{2}$'),
    status          text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX tenants_parent ON tenants (parent_id);
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenants TO patchbay_app USING (id = (SELECT queue.current_tenant()));
CREATE POLICY system ON tenants TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT ON tenants TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants TO patchbay_system;

CREATE TABLE api_keys (
    tenant_id    uuid        NOT NULL REFERENCES tenants (id),
    id           uuid        NOT NULL,
    name         text        NOT NULL,
    hash         bytea       NOT NULL UNIQUE CHECK (length(hash) = 32),
    hint         text        NOT NULL,
    mode         text        NOT NULL CHECK (mode IN ('test', 'live')),
    scopes       text[]      NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON api_keys TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON api_keys TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON api_keys TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO patchbay_system;

-- Facts that happened; the source of webhooks, timelines and audit views. (Row-level security lets nobody write for a
-- tenant that is not: a foreign key would only cost each of a campaign's facts a look-up.)
CREATE TABLE events (
    tenant_id   uuid        NOT NULL,
    id          uuid        NOT NULL,
    type        text        NOT NULL,
    subject     text        NOT NULL,
    payload     jsonb       NOT NULL DEFAULT '{}',
    request_id  text,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON events TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON events TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON events TO patchbay_app;
GRANT SELECT, INSERT, DELETE ON events TO patchbay_system;

-- Who did what to what; append-only for the application. What the operator does to no tenant in particular
-- (pausing a whole queue) is under the nil tenant, which is why there is no foreign key.
CREATE TABLE audit_log (
    tenant_id   uuid        NOT NULL,
    id          uuid        NOT NULL,
    actor       text        NOT NULL,
    action      text        NOT NULL,
    subject     text        NOT NULL,
    detail      jsonb       NOT NULL DEFAULT '{}',
    request_id  text,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_log TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON audit_log TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON audit_log TO patchbay_app;
GRANT SELECT, INSERT, DELETE ON audit_log TO patchbay_system;

-- A POST's final answer under its Idempotency-Key. The system key's own calls use the nil tenant,
-- which is why there is no foreign key. While the first call runs there is no row but an advisory lock: a row would
-- outlive who wrote it.
CREATE TABLE idempotency_keys (
    tenant_id    uuid        NOT NULL,
    key          text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    operation    text        NOT NULL,
    request_hash bytea       NOT NULL CHECK (length(request_hash) = 32),
    status       smallint    NOT NULL,
    headers      jsonb       NOT NULL,
    body         bytea       NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key, operation)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON idempotency_keys TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON idempotency_keys TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO patchbay_app, patchbay_system;
