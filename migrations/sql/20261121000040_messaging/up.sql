-- Provider accounts, senders, templates, messages, and what providers told us.
CREATE TABLE provider_accounts (
    tenant_id   uuid        NOT NULL REFERENCES tenants (id),
    id          uuid        NOT NULL,
    kind        text        NOT NULL CHECK (kind IN ('twilio')),
    name        text        NOT NULL,
    status      text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled', 'auth_failed')),
    external_id text        NOT NULL,
    credentials bytea       NOT NULL,
    settings    jsonb       NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
-- A webhook names the account only: whose is it?
CREATE INDEX provider_accounts_id ON provider_accounts (id);
COMMENT ON COLUMN provider_accounts.credentials IS 'sealed (XChaCha20-Poly1305), bound to tenant and id';
ALTER TABLE provider_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON provider_accounts TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON provider_accounts TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_accounts TO patchbay_app, patchbay_system;

CREATE TABLE senders (
    tenant_id           uuid        NOT NULL,
    id                  uuid        NOT NULL,
    provider_account_id uuid        NOT NULL,
    channel             text        NOT NULL CHECK (channel IN ('sms', 'email', 'whatsapp')),
    address             text        NOT NULL,
    is_default          boolean     NOT NULL DEFAULT false,
    rate_per_second     double precision CHECK (rate_per_second > 0),
    created_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, channel, address),
    FOREIGN KEY (tenant_id, provider_account_id) REFERENCES provider_accounts (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX senders_account ON senders (tenant_id, provider_account_id);
CREATE UNIQUE INDEX senders_default ON senders (tenant_id, channel) WHERE is_default;
ALTER TABLE senders ENABLE ROW LEVEL SECURITY;
ALTER TABLE senders FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON senders TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON senders TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON senders TO patchbay_app, patchbay_system;

CREATE TABLE templates (
    tenant_id  uuid        NOT NULL REFERENCES tenants (id),
    id         uuid        NOT NULL,
    code       text        NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9_.-]{0,99}$'),
    name       text        NOT NULL,
    channel    text        NOT NULL CHECK (channel IN ('sms', 'email', 'whatsapp')),
    locale     text        NOT NULL DEFAULT 'en',
    class      text        NOT NULL DEFAULT 'marketing' CHECK (class IN ('transactional', 'marketing')),
    body       text        NOT NULL,
    variables  text[]      NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX templates_code ON templates (tenant_id, code, channel, locale) WHERE archived_at IS NULL;
ALTER TABLE templates ENABLE ROW LEVEL SECURITY;
ALTER TABLE templates FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON templates TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON templates TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON templates TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON templates TO patchbay_system;

-- Reports of a provider are applied by rank, never by arrival: the higher rank stays.
CREATE FUNCTION message_rank(state text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE state WHEN 'queued' THEN 0 WHEN 'sending' THEN 1 WHEN 'sent' THEN 2 WHEN 'failed' THEN 3
        WHEN 'undelivered' THEN 4 WHEN 'delivered' THEN 5 ELSE 9 END;

-- `attempted_at` is written before a send is tried: a message found in `sending` by a later attempt
-- may or may not have left, and is looked up at the provider before it may be tried again.
-- `attempts` fences: what an older attempt reports late is not recorded over a newer one.
-- `past_provider_ids`: what earlier, failed sends of a redriven message were called there; neither a late
-- receipt nor a look-up may take one of these for the present send.
-- `check_at`: when reconciliation asks the provider next; null when it has given up or need not.
-- (The tenant is checked through the provider account's key: one foreign key less on the busiest table.)
CREATE TABLE messages (
    tenant_id           uuid        NOT NULL,
    id                  uuid        NOT NULL,
    direction           text        NOT NULL CHECK (direction IN ('outbound', 'inbound')),
    channel             text        NOT NULL CHECK (channel IN ('sms', 'email', 'whatsapp')),
    class               text        NOT NULL DEFAULT 'transactional' CHECK (class IN ('transactional', 'marketing', 'compliance')),
    contact_id          uuid,
    provider_account_id uuid        NOT NULL,
    template_id         uuid,
    from_address        text        NOT NULL,
    to_address          text        NOT NULL,
    body                text        NOT NULL,
    segments            smallint    NOT NULL,
    state               text        NOT NULL
        CHECK (state IN ('queued', 'sending', 'sent', 'delivered', 'undelivered', 'failed', 'cancelled', 'refused', 'received')),
    error_code          text,
    error_detail        text,
    provider_message_id text,
    past_provider_ids   text[]      NOT NULL DEFAULT '{}',
    job_id              uuid,
    attempts            smallint    NOT NULL DEFAULT 0,
    attempted_at        timestamptz,
    send_at             timestamptz,
    sent_at             timestamptz,
    delivered_at        timestamptz,
    check_at            timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, provider_account_id) REFERENCES provider_accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, template_id) REFERENCES templates (tenant_id, id)
);
CREATE INDEX messages_contact ON messages (tenant_id, contact_id, id) WHERE contact_id IS NOT NULL;
CREATE INDEX messages_template ON messages (tenant_id, template_id, id) WHERE template_id IS NOT NULL;
-- What a send job claims, and a job's messages.
CREATE INDEX messages_job ON messages (tenant_id, job_id, state, id) WHERE job_id IS NOT NULL;
-- The lists by state, and by direction: what is inbound is exactly what is 'received'.
CREATE INDEX messages_state ON messages (tenant_id, state, id);
-- What a receipt names. (Not partial: it serves the account's foreign key too, and every index is written at each of a
-- message's states.)
CREATE UNIQUE INDEX messages_provider_id ON messages (tenant_id, provider_account_id, provider_message_id);
-- What reconciliation asks the provider about: sent, and no final receipt.
CREATE INDEX messages_unsettled ON messages (tenant_id, provider_account_id, check_at)
    WHERE state = 'sent' AND check_at IS NOT NULL;
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON messages TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON messages TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON messages TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON messages TO patchbay_system;
