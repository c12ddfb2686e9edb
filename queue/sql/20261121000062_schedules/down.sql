-- The owner reads what row-level security would hide from it.
ALTER TABLE queue.schedules NO FORCE ROW LEVEL SECURITY;
CREATE TEMPORARY TABLE schedules_after ON COMMIT DROP AS
    SELECT name, coalesce(last_tick, created_at) AS last_tick, last_job, updated_at FROM queue.schedules
    WHERE tenant_id = '00000000-0000-0000-0000-000000000000';
DROP TABLE queue.schedules;
CREATE TABLE queue.schedules (
    name       text        NOT NULL PRIMARY KEY,
    last_tick  timestamptz NOT NULL,
    last_job   uuid,
    updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO queue.schedules (name, last_tick, last_job, updated_at) SELECT * FROM schedules_after;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.schedules TO patchbay_system;
