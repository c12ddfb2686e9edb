DROP INDEX queue.schedules_due_of_tenant;
