-- What a tenant has delayed in a queue, the first due first: counted at the door as before, and promoted in equal portions
-- where more is due than fits into a batch. In place of the index by id, so that a delayed job pays for no further one.
CREATE INDEX jobs_delayed ON queue.jobs (tenant_id, queue, run_at) WHERE state = 'scheduled';
DROP INDEX queue.jobs_scheduled_of_tenant;
