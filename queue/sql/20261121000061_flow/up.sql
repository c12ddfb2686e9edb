-- Flow: groups, what waits for what, strict order per key, held jobs, what a unique key does on conflict.
-- What a plain job pays for this: nothing in its row (the new columns are null for it), no index entry (every
-- index here is partial), and of the trigger one look at two words. Rows that older workers write are right too: the
-- columns they do not know are null, and what must follow from an end follows by the trigger, whoever wrote the end.

-- Null is the usual case of each: a column that is null takes no room in the row.
ALTER TABLE queue.jobs ADD COLUMN held_by text;             -- who or what holds it: approval, operator, dependency, …
ALTER TABLE queue.jobs ADD COLUMN group_id uuid;            -- the group it is counted in
ALTER TABLE queue.jobs ADD COLUMN has_dependents boolean;   -- something waits, or has waited, for its end
ALTER TABLE queue.jobs ADD COLUMN generation integer;       -- how often its payload was replaced

-- Members by state: cancel of all takes those that are pending in pages, lists go through all.
CREATE INDEX jobs_group ON queue.jobs (tenant_id, group_id, state, id) WHERE group_id IS NOT NULL;
-- What must end before it runs late.
CREATE INDEX jobs_not_after ON queue.jobs (not_after)
    WHERE not_after IS NOT NULL AND state IN ('scheduled', 'waiting', 'held');
-- What workers parked: jobs of a paused kind, and of kinds or versions nobody knew.
CREATE INDEX jobs_parked ON queue.jobs (held_by, queue, kind, version, id)
    WHERE state = 'held' AND held_by IN ('kind_pause', 'version');

-- The successor of a key's holder: the one job that is kept while another of the key lives.
ALTER TABLE queue.unique_keys ADD COLUMN next_id uuid;
CREATE INDEX unique_keys_next ON queue.unique_keys (tenant_id, next_id) WHERE next_id IS NOT NULL;
CREATE INDEX unique_keys_window ON queue.unique_keys (expires_at) WHERE expires_at IS NOT NULL;

-- A group's counts, as of the last fold of its deltas. Pending is what is left of the total.
CREATE TABLE queue.groups (
    tenant_id      uuid        NOT NULL,
    id             uuid        NOT NULL,
    name           text        NOT NULL DEFAULT '',
    total          bigint      NOT NULL DEFAULT 0,
    succeeded      bigint      NOT NULL DEFAULT 0,
    failed         bigint      NOT NULL DEFAULT 0,
    cancelled      bigint      NOT NULL DEFAULT 0,
    discarded      bigint      NOT NULL DEFAULT 0,
    -- No more members will come: only then can it end.
    sealed         boolean     NOT NULL DEFAULT false,
    has_dependents boolean     NOT NULL DEFAULT false,
    cancel_requested_at timestamptz,
    ended_at       timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT groups_counts_add_up CHECK (
        least(total, succeeded, failed, cancelled, discarded) >= 0
        AND succeeded + failed + cancelled + discarded <= total)
);
CREATE INDEX groups_cancelling ON queue.groups (cancel_requested_at)
    WHERE cancel_requested_at IS NOT NULL AND ended_at IS NULL;
CREATE INDEX groups_ended ON queue.groups (ended_at) WHERE ended_at IS NOT NULL;
ALTER TABLE queue.groups ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.groups FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.groups TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.groups TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON queue.groups TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.groups TO patchbay_system;

-- What has changed in a group's counts: inserted beside the change, in its statement; never updated, so that a million
-- members never wait for one row. The fold takes them in the order of their ids.
CREATE TABLE queue.group_deltas (
    id        bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid    NOT NULL,
    group_id  uuid    NOT NULL,
    total     integer NOT NULL DEFAULT 0,
    succeeded integer NOT NULL DEFAULT 0,
    failed    integer NOT NULL DEFAULT 0,
    cancelled integer NOT NULL DEFAULT 0,
    discarded integer NOT NULL DEFAULT 0
);
ALTER TABLE queue.group_deltas ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.group_deltas FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.group_deltas TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.group_deltas TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON queue.group_deltas TO patchbay_app;
GRANT SELECT, INSERT, DELETE ON queue.group_deltas TO patchbay_system;

-- What a held job waits for. A row goes when what it names is over; the job is free when none is left.
CREATE TABLE queue.dependencies (
    tenant_id uuid    NOT NULL,
    job_id    uuid    NOT NULL,
    on_id     uuid    NOT NULL,
    on_group  boolean NOT NULL,
    -- Any end will do, a dead letter's too.
    any_end   boolean NOT NULL,
    PRIMARY KEY (tenant_id, job_id, on_id)
);
CREATE INDEX dependencies_on ON queue.dependencies (tenant_id, on_id);
ALTER TABLE queue.dependencies ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.dependencies FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.dependencies TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.dependencies TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON queue.dependencies TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.dependencies TO patchbay_system;

-- Jobs and groups that ended while something waited for them, until that is seen to.
CREATE TABLE queue.ended_targets (
    tenant_id uuid    NOT NULL,
    id        uuid    NOT NULL,
    is_group  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, id)
);
ALTER TABLE queue.ended_targets ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.ended_targets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.ended_targets TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.ended_targets TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON queue.ended_targets TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.ended_targets TO patchbay_system;

-- The last job of each key that asks for strict order: the next one waits for it.
CREATE TABLE queue.order_tails (
    tenant_id uuid NOT NULL,
    key       text NOT NULL,
    job_id    uuid NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
ALTER TABLE queue.order_tails ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.order_tails FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.order_tails TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.order_tails TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON queue.order_tails TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.order_tails TO patchbay_system;

-- What follows from a job's end, in the statement that writes the end: its unique key is free, and those who wait for
-- it are looked at. A key that somebody is just about to take is left to them: who finds a key whose holder is over may
-- have it. (So an end never waits for an enqueue, and the two cannot lock each other out.)
CREATE FUNCTION queue.job_ended() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.has_dependents THEN
        -- An update where it is there already: whoever is just seeing to it may have looked too early.
        INSERT INTO queue.ended_targets (tenant_id, id) VALUES (NEW.tenant_id, NEW.id)
            ON CONFLICT (tenant_id, id) DO UPDATE SET is_group = false;
    END IF;
    IF NEW.unique_key IS NOT NULL THEN
        DELETE FROM queue.unique_keys k WHERE k.ctid = (
            SELECT u.ctid FROM queue.unique_keys u
            WHERE u.tenant_id = NEW.tenant_id AND u.kind = NEW.kind AND u.key = NEW.unique_key
              AND u.job_id = NEW.id AND u.next_id IS NULL AND (u.expires_at IS NULL OR u.expires_at <= now())
            FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER job_ended AFTER UPDATE OF state ON queue.jobs FOR EACH ROW
    WHEN ((NEW.has_dependents OR NEW.unique_key IS NOT NULL) AND NEW.state IS DISTINCT FROM OLD.state
        AND NEW.state IN ('succeeded', 'dead', 'cancelled', 'discarded'))
    EXECUTE FUNCTION queue.job_ended();

-- Sees to at most `most` of the ended targets: whoever waited for nothing else is free, and is answered where it is
-- due. Each statement in here sees what was committed before it began, which the steps rely on:
-- the rows of what ended are taken first, then what they mean is read, then the waiting jobs are locked, and only
-- then it is asked whether they wait for anything else. Two that free the same job's last two ties meet at its lock.
-- A job that was cancelled while it waited itself passes nothing on before its own ties are gone: the strict order of
-- a key outlives the jobs in its middle.
CREATE FUNCTION queue.pass_on(most integer) RETURNS SETOF queue.jobs
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    targets uuid[];
    tenants uuid[];
    waiting uuid[];
    owners uuid[];
    rounds integer := 0;
BEGIN
    WITH taken AS (
        DELETE FROM queue.ended_targets e WHERE e.ctid = ANY (ARRAY(
            SELECT t.ctid FROM queue.ended_targets t ORDER BY t.tenant_id, t.id LIMIT most FOR UPDATE SKIP LOCKED))
        RETURNING e.tenant_id, e.id)
    SELECT array_agg(t.tenant_id), array_agg(t.id) INTO tenants, targets FROM taken t;
    WHILE targets IS NOT NULL AND rounds < 200 LOOP
        rounds := rounds + 1;
        WITH over AS (
            SELECT t.tenant_id, t.id, coalesce(j.state <> 'dead', g.failed = 0, true) AS well
            FROM unnest(tenants, targets) AS t (tenant_id, id)
            LEFT JOIN queue.jobs j ON j.tenant_id = t.tenant_id AND j.id = t.id
            LEFT JOIN queue.groups g ON g.tenant_id = t.tenant_id AND g.id = t.id
            WHERE (j.id IS NULL OR j.state IN ('succeeded', 'dead', 'cancelled', 'discarded'))
              AND (g.id IS NULL OR g.ended_at IS NOT NULL)
              AND NOT EXISTS (SELECT FROM queue.dependencies o WHERE o.tenant_id = t.tenant_id AND o.job_id = t.id)),
        gone AS (
            DELETE FROM queue.dependencies d USING over o
            WHERE d.tenant_id = o.tenant_id AND d.on_id = o.id AND (o.well OR d.any_end)
            RETURNING d.tenant_id, d.job_id),
        freed AS (SELECT DISTINCT f.tenant_id, f.job_id FROM gone f)
        SELECT array_agg(f.tenant_id), array_agg(f.job_id) INTO owners, waiting FROM freed f;
        EXIT WHEN waiting IS NULL;
        PERFORM FROM queue.jobs j JOIN unnest(owners, waiting) AS w (tenant_id, id)
            ON j.tenant_id = w.tenant_id AND j.id = w.id
            ORDER BY j.id FOR NO KEY UPDATE OF j;
        RETURN QUERY WITH free AS (
            UPDATE queue.jobs j SET
                state = CASE WHEN j.run_at > now() THEN 'scheduled' ELSE 'waiting' END,
                held_by = NULL, held_reason = NULL, revision = j.revision + 1
            FROM unnest(owners, waiting) AS w (tenant_id, id)
            WHERE j.tenant_id = w.tenant_id AND j.id = w.id AND j.state = 'held' AND j.held_by = 'dependency'
              AND NOT EXISTS (SELECT FROM queue.dependencies o WHERE o.tenant_id = j.tenant_id AND o.job_id = j.id)
            RETURNING j.*)
        SELECT f.* FROM free f WHERE f.state = 'waiting';
        -- The successor of a unique key's holder holds the key now. (Where somebody has the key in hand, they will see.)
        UPDATE queue.unique_keys k SET job_id = k.next_id, next_id = NULL WHERE k.ctid = ANY (ARRAY(
            SELECT u.ctid FROM unnest(owners, waiting) AS w (tenant_id, id)
            JOIN queue.unique_keys u ON u.tenant_id = w.tenant_id AND u.next_id = w.id
            JOIN queue.jobs j ON j.tenant_id = w.tenant_id AND j.id = w.id AND j.state <> 'held'
            FOR UPDATE OF u SKIP LOCKED));
        -- Those that are over themselves, and had only waited to pass it on.
        SELECT array_agg(j.tenant_id), array_agg(j.id) INTO tenants, targets
            FROM queue.jobs j JOIN unnest(owners, waiting) AS w (tenant_id, id)
                ON j.tenant_id = w.tenant_id AND j.id = w.id
            WHERE j.has_dependents AND j.state IN ('succeeded', 'dead', 'cancelled', 'discarded');
    END LOOP;
    IF targets IS NOT NULL AND waiting IS NOT NULL THEN
        INSERT INTO queue.ended_targets (tenant_id, id) SELECT * FROM unnest(tenants, targets)
            ON CONFLICT (tenant_id, id) DO UPDATE SET is_group = false;
    END IF;
END $$;
REVOKE ALL ON FUNCTION queue.pass_on(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.pass_on(integer) TO patchbay_system;
