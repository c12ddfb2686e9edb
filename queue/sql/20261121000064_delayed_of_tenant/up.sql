-- What a tenant has delayed in a queue, which counts at the door. Partial: a job that is due at once pays nothing for it.
CREATE INDEX jobs_scheduled_of_tenant ON queue.jobs (tenant_id, queue, id) WHERE state = 'scheduled';
