-- The due schedules of each tenant: a look is shared among tenants, and finds them one by one where one of them has very many.
CREATE INDEX schedules_due_of_tenant ON queue.schedules (tenant_id, next_at) WHERE next_at IS NOT NULL;
