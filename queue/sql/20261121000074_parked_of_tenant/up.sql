-- What workers parked, now tenant by tenant within a version: a kind that is resumed comes back in equal parts.
CREATE INDEX jobs_parked_of_tenant ON queue.jobs (held_by, queue, kind, version, tenant_id, run_at)
    WHERE state = 'held' AND held_by IN ('kind_pause', 'version');
DROP INDEX queue.jobs_parked;
