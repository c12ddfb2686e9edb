-- Drops each day's partition older than `before` that holds no unfinished and no dead job; of a day that
-- does, and of the default partition, the finished rows are deleted instead.
-- It looks with the caller's eyes: row-level security binds the table's owner too (unless a
-- superuser), and to that owner every day would look empty. It looks again under the lock, because a
-- job may be retried meanwhile. Deletes come first: nothing slow may happen once the table is locked.
CREATE OR REPLACE FUNCTION queue.drop_partitions(before date) RETURNS integer
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
DROP FUNCTION queue.day_has_late_ends(date, date);
DROP INDEX queue.jobs_ended_late;
