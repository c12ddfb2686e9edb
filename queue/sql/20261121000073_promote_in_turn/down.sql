CREATE INDEX jobs_scheduled_of_tenant ON queue.jobs (tenant_id, queue, id) WHERE state = 'scheduled';
DROP INDEX queue.jobs_delayed;
