-- The ledger: every accepted job is a row here before anyone is told 202.
-- Two roles meet these tables: patchbay_app sees one tenant's rows (row-level security),
-- patchbay_system (dispatcher, scheduler) sees all of them. Roles belong to the cluster, not to
-- this database, so `down` leaves them.
DO $$ BEGIN
    CREATE ROLE patchbay_app NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN
    CREATE ROLE patchbay_system NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
-- Whoever migrates may act as both, so that one DATABASE_URL is enough; a superuser may anyway. (From
-- PostgreSQL 16 on, whoever makes a role belongs to it but may not SET ROLE to it.)
DO $$ DECLARE
    may text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        AND NOT (pg_has_role(current_user, 'patchbay_app', may) AND pg_has_role(current_user, 'patchbay_system', may)) THEN
        GRANT patchbay_app, patchbay_system TO CURRENT_USER;
    END IF;
END $$;

CREATE SCHEMA queue;
GRANT USAGE ON SCHEMA queue TO patchbay_app, patchbay_system;

-- The tenant of this transaction; NULL (which matches no row) where nobody set it.
CREATE FUNCTION queue.current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.tenant_id', true), '')::uuid;

CREATE TABLE queue.jobs (
    tenant_id      uuid        NOT NULL,
    id             uuid        NOT NULL,
    queue          text COLLATE "C" NOT NULL,
    kind           text        NOT NULL,
    version        smallint    NOT NULL,
    lane           text COLLATE "C" NOT NULL DEFAULT '',
    priority       smallint    NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 9),
    cost           integer     NOT NULL DEFAULT 1 CHECK (cost >= 0),
    state          text        NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('scheduled', 'waiting', 'held', 'succeeded', 'dead', 'cancelled', 'discarded')),
    payload        bytea       NOT NULL,
    subject        text,
    unique_key     text,
    run_at         timestamptz NOT NULL,
    not_after      timestamptz,
    max_attempts   smallint    NOT NULL CHECK (max_attempts > 0),
    errors         smallint    NOT NULL DEFAULT 0,
    crashes        smallint    NOT NULL DEFAULT 0,
    interruptions  integer     NOT NULL DEFAULT 0,
    fence          bigint      NOT NULL DEFAULT 0,
    worker         text,
    running_since  timestamptz,
    started_at     timestamptz,
    finished_at    timestamptz,
    cancel_requested_at timestamptz,
    held_reason    text,
    error_class    text,
    last_error     text,
    attempts       jsonb       NOT NULL DEFAULT '[]',
    result         jsonb,
    progress_total     integer NOT NULL DEFAULT 0,
    progress_succeeded integer NOT NULL DEFAULT 0,
    progress_failed    integer NOT NULL DEFAULT 0,
    progress_skipped   integer NOT NULL DEFAULT 0,
    progress_held      integer NOT NULL DEFAULT 0,
    revision       bigint      NOT NULL DEFAULT 0,
    trace          text,
    request_id     text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    -- total = succeeded + failed + skipped + held + pending, and pending is never negative.
    CONSTRAINT jobs_progress_adds_up CHECK (
        least(progress_succeeded, progress_failed, progress_skipped, progress_held) >= 0
        AND progress_succeeded + progress_failed + progress_skipped + progress_held <= progress_total)
) PARTITION BY RANGE (id);

-- Refill of a lane, in the order in which it is served.
CREATE INDEX jobs_waiting ON queue.jobs (queue, tenant_id, lane, priority DESC, id) WHERE state = 'waiting';
CREATE INDEX jobs_scheduled ON queue.jobs (run_at) WHERE state = 'scheduled';
CREATE INDEX jobs_held ON queue.jobs (tenant_id, id) WHERE state = 'held';
CREATE INDEX jobs_dead ON queue.jobs (tenant_id, finished_at, id) WHERE state = 'dead';
CREATE INDEX jobs_subject ON queue.jobs (tenant_id, subject, id) WHERE subject IS NOT NULL;

-- Whatever no day's partition takes (ids from a clock that is far off).
CREATE TABLE queue.jobs_default PARTITION OF queue.jobs DEFAULT;
ALTER TABLE queue.jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE queue.jobs_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.jobs_default FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.jobs TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.jobs TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON queue.jobs TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.jobs TO patchbay_system;
-- Retention reaches into the default partition; nobody reaches into a day's.
CREATE POLICY system ON queue.jobs_default TO patchbay_system USING (true);
GRANT SELECT, DELETE ON queue.jobs_default TO patchbay_system;

-- The smallest UUIDv7 of an instant: partitions are ranges of ids, and an id holds its time.
CREATE FUNCTION queue.uuid_floor(at timestamptz) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid;

-- Makes the partitions of the days from `first` on; a day whose rows already sit in the default
-- partition is left there. Runs as the owner, so that the system role needs no DDL rights. Gives up
-- after 2 s behind a long transaction (making a partition stops the table): the next tick tries again.
CREATE FUNCTION queue.ensure_partitions(first date, days integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    made integer := 0;
    day date;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('queue.ensure_partitions'));
    FOR i IN 0 .. days - 1 LOOP
        day := first + i;
        part := 'jobs_' || to_char(day, 'YYYYMMDD');
        IF to_regclass('queue.' || part) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE TABLE queue.%I PARTITION OF queue.jobs FOR VALUES FROM (%L) TO (%L)', part,
                    queue.uuid_floor(day::timestamp AT TIME ZONE 'UTC'),
                    queue.uuid_floor((day + 1)::timestamp AT TIME ZONE 'UTC'));
                EXECUTE format('ALTER TABLE queue.%I ENABLE ROW LEVEL SECURITY', part);
                EXECUTE format('ALTER TABLE queue.%I FORCE ROW LEVEL SECURITY', part);
                made := made + 1;
            EXCEPTION WHEN check_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;
    RETURN made;
END $$;

-- Whether a day's jobs include one that is unfinished or dead. One question a state: each has its
-- partial index.
CREATE FUNCTION queue.day_is_open(day date) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    open boolean;
BEGIN
    FOR i IN 1 .. 4 LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM queue.jobs WHERE id >= %L AND id < %L AND state = %L)',
            queue.uuid_floor(day::timestamp AT TIME ZONE 'UTC'),
            queue.uuid_floor((day + 1)::timestamp AT TIME ZONE 'UTC'),
            (ARRAY['scheduled', 'waiting', 'held', 'dead'])[i]) INTO open;
        IF open THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

-- The one step of retention that needs the owner's rights.
CREATE FUNCTION queue.drop_partition(part text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF part !~ '^jobs_\d{8}$' THEN
        RAISE EXCEPTION '% is not the partition of a day', part;
    END IF;
    EXECUTE format('DROP TABLE queue.%I', part);
END $$;

-- Drops each day's partition older than `before` that holds no unfinished and no dead job; of a day that
-- does, and of the default partition, the finished rows are deleted instead.
-- It looks with the caller's eyes: row-level security binds the table's owner too (unless a
-- superuser), and to that owner every day would look empty. It looks again under the lock, because a
-- job may be retried meanwhile. Deletes come first: nothing slow may happen once the table is locked.
CREATE FUNCTION queue.drop_partitions(before date) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    finished text[] := ARRAY['succeeded', 'cancelled', 'discarded'];
    closed text[] := '{}';
    dropped integer := 0;
    part record;
BEGIN
    FOR part IN
        SELECT c.relname::text AS name, to_date(right(c.relname, 8), 'YYYYMMDD') AS day
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'queue.jobs'::regclass AND c.relname ~ '^jobs_\d{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < before
        ORDER BY 1
    LOOP
        IF queue.day_is_open(part.day) THEN
            EXECUTE format('DELETE FROM queue.jobs WHERE id >= %L AND id < %L AND state = ANY ($1)',
                queue.uuid_floor(part.day::timestamp AT TIME ZONE 'UTC'),
                queue.uuid_floor((part.day + 1)::timestamp AT TIME ZONE 'UTC')) USING finished;
        ELSE
            closed := closed || part.name;
        END IF;
    END LOOP;
    DELETE FROM queue.jobs_default
        WHERE id < queue.uuid_floor(before::timestamp AT TIME ZONE 'UTC') AND state = ANY (finished);
    IF closed = '{}' THEN
        RETURN 0;
    END IF;
    LOCK TABLE ONLY queue.jobs IN ACCESS EXCLUSIVE MODE;
    FOR i IN 1 .. cardinality(closed) LOOP
        IF NOT queue.day_is_open(to_date(right(closed[i], 8), 'YYYYMMDD')) THEN
            PERFORM queue.drop_partition(closed[i]);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION queue.ensure_partitions(date, integer), queue.drop_partitions(date), queue.drop_partition(text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION queue.ensure_partitions(date, integer), queue.drop_partitions(date), queue.drop_partition(text)
    TO patchbay_system;

-- One living job per key: held by the job until it ends, or until the key's window is over.
CREATE TABLE queue.unique_keys (
    tenant_id  uuid        NOT NULL,
    kind       text        NOT NULL,
    key        text        NOT NULL,
    job_id     uuid        NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (tenant_id, kind, key)
);
CREATE INDEX unique_keys_job ON queue.unique_keys (tenant_id, job_id);
ALTER TABLE queue.unique_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.unique_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.unique_keys TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.unique_keys TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.unique_keys TO patchbay_app, patchbay_system;

-- What a person stopped: a whole queue (no tenant), a tenant in a queue, or one lane of it.
-- Redis enforces a copy, which dispatcher repair renews from here.
CREATE TABLE queue.pauses (
    id         uuid        NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    queue      text        NOT NULL,
    tenant_id  uuid,
    lane       text,
    until      timestamptz,
    reason     text        NOT NULL DEFAULT '',
    paused_by  text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (lane IS NULL OR tenant_id IS NOT NULL)
);
-- (NULLS NOT DISTINCT would say this better, from PostgreSQL 15 on.)
CREATE UNIQUE INDEX pauses_scope ON queue.pauses
    (queue, coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'), coalesce(lane, ''), (lane IS NULL));
ALTER TABLE queue.pauses ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.pauses FORCE ROW LEVEL SECURITY;
-- A tenant sees what holds it up, a pause of the whole queue included, and changes only its own.
CREATE POLICY tenant_read ON queue.pauses FOR SELECT TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()) OR tenant_id IS NULL);
CREATE POLICY tenant_write ON queue.pauses TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.pauses TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.pauses TO patchbay_app, patchbay_system;

-- The rate of a lane, or of every lane of a tenant in a queue (lane ''), in cost units.
CREATE TABLE queue.limits (
    tenant_id       uuid             NOT NULL,
    queue           text             NOT NULL,
    lane            text             NOT NULL,
    rate_per_second double precision NOT NULL CHECK (rate_per_second > 0),
    burst           integer          NOT NULL CHECK (burst > 0),
    updated_at      timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, queue, lane)
);
ALTER TABLE queue.limits ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.limits FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.limits TO patchbay_app
    USING (tenant_id = (SELECT queue.current_tenant()))
    WITH CHECK (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.limits TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.limits TO patchbay_app, patchbay_system;

-- A schedule's last tick: moving it forward and enqueueing the job are one transaction, so that
-- each tick enqueues once however many schedulers run.
CREATE TABLE queue.schedules (
    name       text        NOT NULL PRIMARY KEY,
    last_tick  timestamptz NOT NULL,
    last_job   uuid,
    updated_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.schedules TO patchbay_system;
