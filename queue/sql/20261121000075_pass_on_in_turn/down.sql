-- As before, but in steps: at most `most` ties a call, whatever hangs on one end. A million jobs after one were untied
-- by one statement, which ran into its time limit again and again, and held up everybody behind it.
-- What fits into a call is shared equally among the targets, round after round, so that the next of an order does not
-- wait behind a crowd; a target with more ties than fit is noted again, for the next call. A tie that another has in
-- hand is left to them: should they fail, their targets are noted as they were.
-- Rows are looked up one by one, by their keys, which the LIMITs and settings make sure of: right after a burst the
-- statistics know nothing of it, and the planner would go through all that is held for each job that is untied.
CREATE OR REPLACE FUNCTION queue.pass_on(most integer) RETURNS SETOF queue.jobs
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    targets uuid[];
    tenants uuid[];
    waiting uuid[];
    owners uuid[];
    room bigint := most;
    part bigint;
    untied bigint;
    rounds integer := 0;
BEGIN
    WITH taken AS (
        DELETE FROM queue.ended_targets e WHERE e.ctid = ANY (ARRAY(
            SELECT t.ctid FROM queue.ended_targets t ORDER BY t.tenant_id, t.id LIMIT most FOR UPDATE SKIP LOCKED))
        RETURNING e.tenant_id, e.id)
    SELECT array_agg(t.tenant_id), array_agg(t.id) INTO tenants, targets FROM taken t;
    -- (No targets: their number is null.)
    WHILE cardinality(targets) <= room AND rounds < 200 LOOP
        rounds := rounds + 1;
        part := room / cardinality(targets);
        -- One tie more than the part of each is looked at: that one says that there are more.
        WITH over AS (
            SELECT t.tenant_id, t.id, coalesce(j.state <> 'dead', g.failed = 0, true) AS well
            FROM unnest(tenants, targets) AS t (tenant_id, id)
            LEFT JOIN LATERAL (SELECT o.id, o.state FROM queue.jobs o
                WHERE o.tenant_id = t.tenant_id AND o.id = t.id LIMIT 1) j ON true
            LEFT JOIN queue.groups g ON g.tenant_id = t.tenant_id AND g.id = t.id
            WHERE (j.id IS NULL OR j.state IN ('succeeded', 'dead', 'cancelled', 'discarded'))
              AND (g.id IS NULL OR g.ended_at IS NOT NULL)
              AND NOT EXISTS (SELECT FROM queue.dependencies o WHERE o.tenant_id = t.tenant_id AND o.job_id = t.id)),
        ties AS MATERIALIZED (
            SELECT o.tenant_id, o.id, n.place, n.nth FROM over o CROSS JOIN LATERAL (
                SELECT l.place, row_number() OVER () AS nth FROM (
                    SELECT d.ctid AS place FROM queue.dependencies d
                    WHERE d.tenant_id = o.tenant_id AND d.on_id = o.id AND (o.well OR d.any_end)
                    LIMIT part + 1 FOR UPDATE SKIP LOCKED) l) n),
        gone AS (
            DELETE FROM queue.dependencies d
            WHERE d.ctid = ANY (ARRAY(SELECT t.place FROM ties t WHERE t.nth <= part))
            RETURNING d.tenant_id, d.job_id),
        freed AS (SELECT DISTINCT g.tenant_id, g.job_id FROM gone g),
        all_freed AS (SELECT array_agg(f.tenant_id) AS tenant_ids, array_agg(f.job_id) AS ids FROM freed f),
        more AS (SELECT array_agg(t.tenant_id) AS tenant_ids, array_agg(t.id) AS ids FROM ties t WHERE t.nth > part)
        SELECT (SELECT count(*) FROM gone), f.tenant_ids, f.ids, m.tenant_ids, m.ids
            INTO untied, owners, waiting, tenants, targets
            FROM all_freed f, more m;
        EXIT WHEN waiting IS NULL;
        room := room - untied;
        PERFORM FROM (SELECT n.* FROM unnest(owners, waiting) AS n (tenant_id, id) ORDER BY n.id) w
            CROSS JOIN LATERAL (SELECT FROM queue.jobs j WHERE j.tenant_id = w.tenant_id AND j.id = w.id
                FOR NO KEY UPDATE) locked;
        RETURN QUERY WITH free AS (
            UPDATE queue.jobs j SET
                state = CASE WHEN j.run_at > now() THEN 'scheduled' ELSE 'waiting' END,
                held_by = NULL, held_reason = NULL, revision = j.revision + 1
            FROM unnest(owners, waiting) AS w (tenant_id, id)
            CROSS JOIN LATERAL (SELECT FROM queue.jobs h WHERE h.tenant_id = w.tenant_id AND h.id = w.id
                AND h.state = 'held' AND h.held_by = 'dependency' AND NOT EXISTS (
                    SELECT FROM queue.dependencies o WHERE o.tenant_id = h.tenant_id AND o.job_id = h.id) LIMIT 1) held
            WHERE j.tenant_id = w.tenant_id AND j.id = w.id
            RETURNING j.*)
        SELECT f.* FROM free f WHERE f.state = 'waiting';
        -- The successor of a unique key's holder holds the key now. (Who has the key in hand will see for themselves.)
        UPDATE queue.unique_keys k SET job_id = k.next_id, next_id = NULL WHERE k.ctid = ANY (ARRAY(
            SELECT s.place FROM unnest(owners, waiting) AS w (tenant_id, id) CROSS JOIN LATERAL (
                SELECT u.ctid AS place FROM queue.unique_keys u
                WHERE u.tenant_id = w.tenant_id AND u.next_id = w.id AND EXISTS (
                    SELECT FROM queue.jobs j WHERE j.tenant_id = w.tenant_id AND j.id = w.id AND j.state <> 'held')
                FOR UPDATE OF u SKIP LOCKED) s));
        -- Those with more ties; and those that are over themselves, and had only waited to pass it on.
        SELECT tenants || array_agg(w.tenant_id), targets || array_agg(w.id) INTO tenants, targets
            FROM unnest(owners, waiting) AS w (tenant_id, id) CROSS JOIN LATERAL (
                SELECT FROM queue.jobs j WHERE j.tenant_id = w.tenant_id AND j.id = w.id AND j.has_dependents
                    AND j.state IN ('succeeded', 'dead', 'cancelled', 'discarded') LIMIT 1) over_too;
    END LOOP;
    INSERT INTO queue.ended_targets (tenant_id, id, is_group)
        SELECT t.tenant_id, t.id, EXISTS (SELECT FROM queue.groups g WHERE g.tenant_id = t.tenant_id AND g.id = t.id)
        FROM unnest(tenants, targets) AS t (tenant_id, id) ORDER BY t.tenant_id, t.id
        ON CONFLICT (tenant_id, id) DO UPDATE SET is_group = excluded.is_group;
END $$;
