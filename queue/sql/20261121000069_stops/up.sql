-- What a provider stopped (a penalty until a time, a breaker that is open), as the keeper saw it in Redis: an emptied one is
-- told again before anything starts. Rows whose time is over mean nothing.
CREATE TABLE queue.stops (
    queue     text        NOT NULL,
    -- The nil tenant's are everybody's, as those of queue.limits.
    tenant_id uuid        NOT NULL,
    lane      text        NOT NULL,
    sort      text        NOT NULL CHECK (sort IN ('penalty', 'breaker')),
    until     timestamptz NOT NULL,
    -- How often in a row the breaker has opened.
    opened    integer     CHECK (opened > 0),
    PRIMARY KEY (queue, tenant_id, lane, sort),
    CHECK ((sort = 'breaker') = (opened IS NOT NULL))
);
CREATE INDEX stops_until ON queue.stops (until);
ALTER TABLE queue.stops ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.stops FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.stops TO patchbay_app USING (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.stops TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT ON queue.stops TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.stops TO patchbay_system;
