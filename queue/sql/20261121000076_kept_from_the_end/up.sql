-- Ended jobs are kept from their end on, not from their making: one that was planned for 45 days ahead was gone within the hour.

-- What ended more than a day after it was made: what keeps a day that is else over. Partial: others pay for no entry.
CREATE INDEX jobs_ended_late ON queue.jobs (finished_at) WHERE finished_at - created_at > interval '1 day';

-- Whether of a day's jobs one has ended since `before`, at least a day after that day: one probe of the index.
CREATE FUNCTION queue.day_has_late_ends(day date, before date) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    late boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM queue.jobs WHERE id >= %L AND id < %L AND finished_at >= %L
            AND finished_at - created_at > interval ''1 day'')',
        queue.uuid_floor(day::timestamp AT TIME ZONE 'UTC'),
        queue.uuid_floor((day + 1)::timestamp AT TIME ZONE 'UTC'), before::timestamp AT TIME ZONE 'UTC') INTO late;
    RETURN late;
END $$;

-- Drops each day's partition of which all was over before `before`: no job is unfinished or dead, or has ended since. Of
-- other days, and of the default partition, the finished rows are deleted that ended before. Of the day before `before`
-- some always ended after midnight: it is left for one day more, so that it can go as a whole.
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
    day date;
    kept_since timestamptz := before::timestamp AT TIME ZONE 'UTC';
BEGIN
    FOR part IN
        SELECT c.relname::text AS name, to_date(right(c.relname, 8), 'YYYYMMDD') AS day
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'queue.jobs'::regclass AND c.relname ~ '^jobs_\d{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < before - 1
        ORDER BY 1
    LOOP
        IF queue.day_is_open(part.day) OR queue.day_has_late_ends(part.day, before) THEN
            EXECUTE format('DELETE FROM queue.jobs WHERE id >= %L AND id < %L AND state = ANY ($1)
                    AND (finished_at IS NULL OR finished_at < $2)',
                queue.uuid_floor(part.day::timestamp AT TIME ZONE 'UTC'),
                queue.uuid_floor((part.day + 1)::timestamp AT TIME ZONE 'UTC')) USING finished, kept_since;
        ELSE
            closed := closed || part.name;
        END IF;
    END LOOP;
    DELETE FROM queue.jobs_default
        WHERE id < queue.uuid_floor(before::timestamp AT TIME ZONE 'UTC') AND state = ANY (finished)
          AND (finished_at IS NULL OR finished_at < kept_since);
    IF closed = '{}' THEN
        RETURN 0;
    END IF;
    LOCK TABLE ONLY queue.jobs IN ACCESS EXCLUSIVE MODE;
    FOR i IN 1 .. cardinality(closed) LOOP
        day := to_date(right(closed[i], 8), 'YYYYMMDD');
        IF NOT queue.day_is_open(day) AND NOT queue.day_has_late_ends(day, before) THEN
            PERFORM queue.drop_partition(closed[i]);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
