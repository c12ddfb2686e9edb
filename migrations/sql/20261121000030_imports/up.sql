-- Imports. The uploaded file waits here in chunks, so that API and workers share no disk; chunks go
-- when the import has ended, the rows that were not taken stay for the errors file.
CREATE TABLE imports (
    tenant_id    uuid        NOT NULL REFERENCES tenants (id),
    id           uuid        NOT NULL,
    filename     text        NOT NULL,
    state        text        NOT NULL DEFAULT 'uploading'
        CHECK (state IN ('uploading', 'uploaded', 'running', 'completed', 'failed', 'cancelled')),
    size_bytes   bigint      NOT NULL DEFAULT 0,
    encoding     text,
    delimiter    text,
    columns      jsonb       NOT NULL DEFAULT '[]',
    mapping      jsonb,
    options      jsonb       NOT NULL DEFAULT '{}',
    dry_run      boolean     NOT NULL DEFAULT false,
    job_id       uuid,
    failure_code text,
    failure      text,
    rows_total   integer     NOT NULL DEFAULT 0,
    rows_created integer     NOT NULL DEFAULT 0,
    rows_updated integer     NOT NULL DEFAULT 0,
    rows_skipped integer     NOT NULL DEFAULT 0,
    rows_failed  integer     NOT NULL DEFAULT 0,
    -- Where a retried job goes on: rows below this are written.
    rows_done    integer     NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT imports_counts_add_up CHECK (rows_created + rows_updated + rows_skipped + rows_failed <= rows_total)
);
ALTER TABLE imports ENABLE ROW LEVEL SECURITY;
ALTER TABLE imports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON imports TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON imports TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON imports TO patchbay_app, patchbay_system;

CREATE TABLE import_chunks (
    tenant_id uuid    NOT NULL,
    import_id uuid    NOT NULL,
    seq       integer NOT NULL,
    bytes     bytea   NOT NULL,
    PRIMARY KEY (tenant_id, import_id, seq),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id) ON DELETE CASCADE
);
-- Compressing uploads chunk by chunk costs more time than it saves space.
ALTER TABLE import_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE import_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_chunks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON import_chunks TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON import_chunks TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON import_chunks TO patchbay_app, patchbay_system;

-- A row that was not taken, or not taken whole; `row_number` counts records, the header is row 1.
CREATE TABLE import_rows (
    tenant_id  uuid    NOT NULL,
    import_id  uuid    NOT NULL,
    row_number integer NOT NULL,
    outcome    text    NOT NULL CHECK (outcome IN ('failed', 'skipped')),
    column_name text,
    code       text    NOT NULL,
    detail     text    NOT NULL,
    fields     jsonb   NOT NULL,
    PRIMARY KEY (tenant_id, import_id, row_number),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id) ON DELETE CASCADE
);
ALTER TABLE import_rows ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_rows FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON import_rows TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON import_rows TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON import_rows TO patchbay_app, patchbay_system;

-- The addresses that a dry run has met so far: what a real run finds among the contacts. Gone when it has ended.
CREATE TABLE import_addresses (
    tenant_id  uuid NOT NULL,
    import_id  uuid NOT NULL,
    channel    text NOT NULL,
    address    text NOT NULL,
    contact_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, import_id, channel, address),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id) ON DELETE CASCADE
);
ALTER TABLE import_addresses ENABLE ROW LEVEL SECURITY;
ALTER TABLE import_addresses FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON import_addresses TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON import_addresses TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON import_addresses TO patchbay_app, patchbay_system;
