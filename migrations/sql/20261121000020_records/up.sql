-- Contacts, the channels they are reached on, leads, and the consent ledger.
-- These tables do not refer to `tenants`: row-level security ties every row to its transaction's tenant, and a
-- foreign key would check and lock the tenant's one row for each of the many that an import writes.
CREATE TABLE contacts (
    tenant_id    uuid        NOT NULL,
    id           uuid        NOT NULL,
    first_name   text,
    last_name    text,
    job_title    text,
    company_name text,
    country      text        CHECK (country ~ '^[A-Z]{2}$'),
    city         text,
    locale       text,
    timezone     text,
    lifecycle    text        NOT NULL DEFAULT 'lead' CHECK (lifecycle IN ('lead', 'prospect', 'customer', 'inactive')),
    attributes   jsonb       NOT NULL DEFAULT '{}',
    import_id    uuid,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX contacts_import ON contacts (tenant_id, import_id, id) WHERE import_id IS NOT NULL;
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
ALTER TABLE contacts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contacts TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON contacts TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON contacts TO patchbay_app, patchbay_system;

-- One address belongs to one contact of a tenant: this is what deduplication rests on.
CREATE TABLE contact_channels (
    tenant_id      uuid        NOT NULL,
    id             uuid        NOT NULL,
    contact_id     uuid        NOT NULL,
    channel        text        NOT NULL CHECK (channel IN ('sms', 'email', 'whatsapp')),
    address        text        NOT NULL,
    is_primary     boolean     NOT NULL DEFAULT false,
    consent        text        NOT NULL DEFAULT 'unknown' CHECK (consent IN ('unknown', 'opted_in', 'opted_out')),
    consent_source text,
    consent_at     timestamptz,
    verified_at    timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, channel, address),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id) ON DELETE CASCADE,
    CHECK (channel = 'email' OR address ~ '^\+[1-9][0-9]{1,14}$')
);
CREATE INDEX contact_channels_contact ON contact_channels (tenant_id, contact_id);
ALTER TABLE contact_channels ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_channels FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON contact_channels TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON contact_channels TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_channels TO patchbay_app, patchbay_system;

-- The opt-out ledger: append-only, kept by address (an address can outlive its contact).
CREATE TABLE consent_events (
    tenant_id   uuid        NOT NULL,
    id          uuid        NOT NULL,
    channel     text        NOT NULL,
    address     text        NOT NULL,
    action      text        NOT NULL CHECK (action IN ('opt_in', 'opt_out')),
    source      text        NOT NULL,
    evidence    text,
    message_id  uuid,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX consent_events_address ON consent_events (tenant_id, channel, address, id);
ALTER TABLE consent_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE consent_events FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON consent_events TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON consent_events TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON consent_events TO patchbay_app;
GRANT SELECT, INSERT, DELETE ON consent_events TO patchbay_system;

-- Addresses nothing may be sent to, whoever they belong to.
CREATE TABLE suppressions (
    tenant_id  uuid        NOT NULL REFERENCES tenants (id),
    channel    text        NOT NULL,
    address    text        NOT NULL,
    reason     text        NOT NULL CHECK (reason IN ('stop', 'bounce', 'complaint', 'manual')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, channel, address)
);
ALTER TABLE suppressions ENABLE ROW LEVEL SECURITY;
ALTER TABLE suppressions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON suppressions TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON suppressions TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON suppressions TO patchbay_app, patchbay_system;

CREATE TABLE leads (
    tenant_id    uuid        NOT NULL,
    id           uuid        NOT NULL,
    contact_id   uuid,
    first_name   text,
    last_name    text,
    email        text,
    phone        text,
    company_name text,
    source       text        NOT NULL DEFAULT 'other',
    status       text        NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'contacted', 'qualified', 'disqualified', 'converted')),
    score        integer     NOT NULL DEFAULT 0,
    attributes   jsonb       NOT NULL DEFAULT '{}',
    import_id    uuid,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
CREATE INDEX leads_contact ON leads (tenant_id, contact_id);
CREATE INDEX leads_status ON leads (tenant_id, status, id);
ALTER TABLE leads ENABLE ROW LEVEL SECURITY;
ALTER TABLE leads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON leads TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON leads TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON leads TO patchbay_app, patchbay_system;
