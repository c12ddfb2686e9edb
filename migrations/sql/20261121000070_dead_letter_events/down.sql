DROP TRIGGER dead_lettered ON queue.jobs;
DROP FUNCTION job_dead_lettered();
DROP FUNCTION public_id(text, uuid);
