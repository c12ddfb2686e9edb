DROP INDEX queue.limits_of_queue;
CREATE INDEX limits_queue ON queue.limits (queue);
DROP INDEX queue.jobs_dead_of_tenant;
