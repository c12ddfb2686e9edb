-- Who set a limit: a key, `system`, or nobody where the product itself did (a sender's rate). What the operator has set
-- on a tenant's key is not the tenant's to change.
ALTER TABLE queue.limits ADD COLUMN set_by text;

-- Messages wait in lanes that are paths now: provider account, then sender (`pac_…~+12025550100`), so that an account has
-- a key of its own beside those of its senders. The rates of senders go along; those of the old names stay for the jobs
-- that still wait there, and go when their sender does. (As the system role: the owner of the tables sees no rows.)
SET LOCAL ROLE patchbay_system;
INSERT INTO queue.limits (tenant_id, queue, lane, rate_per_second, burst)
SELECT l.tenant_id, l.queue, public_id('pac', s.provider_account_id) || '~' || s.address, l.rate_per_second, l.burst
FROM queue.limits l JOIN senders s ON s.tenant_id = l.tenant_id AND s.address = l.lane
WHERE l.queue = 'sends'
ON CONFLICT (tenant_id, queue, lane) DO NOTHING;
-- Each account has a circuit breaker from now on; new ones get it when they are made.
INSERT INTO queue.limits (tenant_id, queue, lane, breaker_failures, breaker_within_ms, breaker_open_ms)
SELECT tenant_id, 'sends', public_id('pac', id), 20, 30000, 10000 FROM provider_accounts
ON CONFLICT (tenant_id, queue, lane) DO NOTHING;
RESET ROLE;
