DROP TRIGGER deleted ON queue.pauses;
DROP TRIGGER updated ON queue.pauses;
DROP TRIGGER inserted ON queue.pauses;
DROP TRIGGER deleted ON queue.limits;
DROP TRIGGER updated ON queue.limits;
DROP TRIGGER inserted ON queue.limits;
DROP FUNCTION queue.note_control_change();
DROP TABLE queue.control_changes;

ALTER POLICY tenant_read ON queue.pauses
    USING (tenant_id = (SELECT queue.current_tenant()) OR tenant_id IS NULL);
DROP INDEX queue.pauses_scope;
-- What the old shape cannot say is no longer decided.
DELETE FROM queue.pauses WHERE kind IS NOT NULL;
ALTER TABLE queue.pauses DROP CONSTRAINT pauses_kind_of_a_queue, DROP COLUMN kind;
CREATE UNIQUE INDEX pauses_scope ON queue.pauses
    (queue, coalesce(tenant_id, '00000000-0000-0000-0000-000000000000'), coalesce(lane, ''), (lane IS NULL));

DROP INDEX queue.limits_queue;
DELETE FROM queue.limits WHERE rate_per_second IS NULL;
ALTER TABLE queue.limits
    DROP CONSTRAINT limits_every_queue,
    DROP CONSTRAINT limits_of_a_tenant,
    DROP CONSTRAINT limits_something,
    DROP CONSTRAINT limits_breaker_whole,
    DROP CONSTRAINT limits_rate_whole,
    DROP COLUMN max_waiting,
    DROP COLUMN breaker_open_ms,
    DROP COLUMN breaker_within_ms,
    DROP COLUMN breaker_failures,
    DROP COLUMN hours,
    DROP COLUMN weight,
    DROP COLUMN concurrency,
    ALTER COLUMN burst SET NOT NULL,
    ALTER COLUMN rate_per_second SET NOT NULL;
