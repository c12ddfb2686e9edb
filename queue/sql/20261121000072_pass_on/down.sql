-- Sees to at most `most` of the ended targets: whoever waited for nothing else is free, and is answered where it is
-- due. Each statement in here sees what was committed before it began, which the steps rely on:
-- the rows of what ended are taken first, then what they mean is read, then the waiting jobs are locked, and only
-- then it is asked whether they wait for anything else. Two that free the same job's last two ties meet at its lock.
-- A job that was cancelled while it waited itself passes nothing on before its own ties are gone: the strict order of
-- a key outlives the jobs in its middle.
CREATE OR REPLACE FUNCTION queue.pass_on(most integer) RETURNS SETOF queue.jobs
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
