CREATE INDEX jobs_parked ON queue.jobs (held_by, queue, kind, version, id)
    WHERE state = 'held' AND held_by IN ('kind_pause', 'version');
DROP INDEX queue.jobs_parked_of_tenant;
