-- A tenant's dead letters by id, as lists show them, and the limits of a queue by key: each page costs what the first one does.
CREATE INDEX jobs_dead_of_tenant ON queue.jobs (tenant_id, id) WHERE state = 'dead';
DROP INDEX queue.limits_queue;
CREATE INDEX limits_of_queue ON queue.limits (queue, tenant_id, lane COLLATE "C");
