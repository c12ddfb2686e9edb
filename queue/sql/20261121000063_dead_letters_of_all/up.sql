-- The operator's list of everybody's dead letters, newest first, and whose a dead letter is: else each page would sort
-- all there are. Partial, so that a job that ends well pays nothing for it.
CREATE INDEX jobs_dead_of_all ON queue.jobs (id) WHERE state = 'dead';
