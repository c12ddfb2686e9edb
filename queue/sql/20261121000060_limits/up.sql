-- Limits of all sorts on a key (a queue, a tenant, a prefix of a lane's path, for its tenant or for all), pauses of a
-- kind, and word of each change. Programs from before must not pause anything while this is in force and they still
-- run: their ON CONFLICT names the old index. (They are replaced within a deploy, and pausing is done by people.)
ALTER TABLE queue.limits
    ALTER COLUMN rate_per_second DROP NOT NULL,
    ALTER COLUMN burst DROP NOT NULL,
    -- Jobs that may run at a time.
    ADD COLUMN concurrency integer CHECK (concurrency > 0),
    -- A tenant's share against the others'.
    ADD COLUMN weight double precision CHECK (weight BETWEEN 0.01 AND 1000),
    -- {"zone": "America/Chicago", "openings": [{"days": ["Mon"], "opens": "09:00:00", "closes": "17:00:00"}]}
    ADD COLUMN hours jsonb CHECK (jsonb_typeof(hours) = 'object'),
    ADD COLUMN breaker_failures integer CHECK (breaker_failures > 0),
    ADD COLUMN breaker_within_ms bigint CHECK (breaker_within_ms > 0),
    ADD COLUMN breaker_open_ms bigint CHECK (breaker_open_ms > 0),
    -- Jobs of a tenant that may wait: asked at the door.
    ADD COLUMN max_waiting bigint CHECK (max_waiting > 0),
    ADD CONSTRAINT limits_rate_whole CHECK (num_nulls(rate_per_second, burst) IN (0, 2)),
    ADD CONSTRAINT limits_breaker_whole CHECK (num_nulls(breaker_failures, breaker_within_ms, breaker_open_ms) IN (0, 3)),
    ADD CONSTRAINT limits_something CHECK (
        num_nonnulls(rate_per_second, concurrency, weight, hours, breaker_failures, max_waiting) > 0),
    ADD CONSTRAINT limits_of_a_tenant CHECK (num_nonnulls(weight, max_waiting) = 0
        OR (lane = '' AND tenant_id <> '00000000-0000-0000-0000-000000000000')),
    -- Queues share no counters.
    ADD CONSTRAINT limits_every_queue CHECK (
        queue <> '*' OR num_nonnulls(rate_per_second, concurrency, breaker_failures) = 0);
CREATE INDEX limits_queue ON queue.limits (queue);

ALTER TABLE queue.pauses
    ADD COLUMN kind text,
    ADD CONSTRAINT pauses_kind_of_a_queue CHECK (kind IS NULL OR (tenant_id IS NULL AND lane IS NULL));
DROP INDEX queue.pauses_scope;
CREATE UNIQUE INDEX pauses_scope ON queue.pauses
    (queue, coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'), coalesce(lane, ''), (lane IS NULL),
        coalesce(kind, ''));
-- What is paused for all tenants is everybody's to see.
ALTER POLICY tenant_read ON queue.pauses
    USING (tenant_id = (SELECT queue.current_tenant()) OR tenant_id IS NULL
        OR tenant_id = '00000000-0000-0000-0000-000000000000');

-- Which queue's controls were changed: the keeper copies them and takes the word away. A row is seen once its change
-- is committed, which a number in a shared row would not say without holding up everybody who changes something.
CREATE TABLE queue.control_changes (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text   NOT NULL
);
GRANT SELECT, DELETE ON queue.control_changes TO patchbay_system;

CREATE FUNCTION queue.note_control_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO queue.control_changes (queue) SELECT DISTINCT changed.queue FROM changed;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION queue.note_control_change() FROM PUBLIC;

CREATE TRIGGER inserted AFTER INSERT ON queue.limits REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION queue.note_control_change();
CREATE TRIGGER updated AFTER UPDATE ON queue.limits REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION queue.note_control_change();
CREATE TRIGGER deleted AFTER DELETE ON queue.limits REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION queue.note_control_change();
CREATE TRIGGER inserted AFTER INSERT ON queue.pauses REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION queue.note_control_change();
CREATE TRIGGER updated AFTER UPDATE ON queue.pauses REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION queue.note_control_change();
CREATE TRIGGER deleted AFTER DELETE ON queue.pauses REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION queue.note_control_change();
