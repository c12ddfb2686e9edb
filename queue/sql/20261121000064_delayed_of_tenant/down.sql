DROP INDEX queue.jobs_scheduled_of_tenant;
