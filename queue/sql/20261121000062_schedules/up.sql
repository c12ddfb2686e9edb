-- Schedules as records: a program's own (of the nil tenant, by name) and each tenant's, in one table.
-- A tick is taken by moving its row's next_at forward in the transaction that inserts its job, so that each enqueues once
-- however many schedulers run. The table of the programs' last ticks becomes part of it. A scheduler of the
-- release before finds no unique name any more and takes no tick from then on; those of this one do.
CREATE TEMPORARY TABLE schedules_before ON COMMIT DROP AS TABLE queue.schedules;
DROP TABLE queue.schedules;
CREATE TABLE queue.schedules (
    tenant_id   uuid        NOT NULL,
    id          uuid        NOT NULL,
    name        text        NOT NULL,
    -- The rule: a cron expression, seconds first, on the wall clocks of a zone.
    cron        text        NOT NULL,
    time_zone   text        NOT NULL,
    catch_up    text        NOT NULL CHECK (catch_up IN ('none', 'last', 'all')),
    -- What a tick does, for whoever makes its job.
    action      jsonb       NOT NULL DEFAULT '{}',
    -- The first tick that nobody took; none while paused, or where no tick is to come.
    next_at     timestamptz,
    last_tick   timestamptz,
    last_job    uuid,
    lateness_ms bigint,
    paused_at   timestamptz,
    -- Why it does not tick, where its rule cannot be read (a zone that went out of use).
    fault       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CHECK (paused_at IS NULL OR next_at IS NULL)
);
CREATE INDEX schedules_due ON queue.schedules (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX schedules_newest ON queue.schedules (id);
CREATE UNIQUE INDEX schedules_declared ON queue.schedules (name)
    WHERE tenant_id = '00000000-0000-0000-0000-000000000000';
-- Their rules come with the next start of a scheduler, which keeps next_at: what was missed till then is caught up with.
INSERT INTO queue.schedules (tenant_id, id, name, cron, time_zone, catch_up, next_at, last_tick, last_job, updated_at)
SELECT '00000000-0000-0000-0000-000000000000', gen_random_uuid(), name, '', 'UTC', 'last', last_tick + interval '1 ms',
    last_tick, last_job, updated_at
FROM schedules_before;
ALTER TABLE queue.schedules ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.schedules FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.schedules TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.schedules TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.schedules TO patchbay_app, patchbay_system;
