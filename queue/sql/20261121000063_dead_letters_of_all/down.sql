DROP INDEX queue.jobs_dead_of_all;
