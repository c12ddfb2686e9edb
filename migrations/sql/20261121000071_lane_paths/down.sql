SET LOCAL ROLE patchbay_system;
DELETE FROM queue.limits l USING senders s
WHERE l.queue = 'sends' AND s.tenant_id = l.tenant_id
    AND l.lane = public_id('pac', s.provider_account_id) || '~' || s.address;
DELETE FROM queue.limits l USING provider_accounts a
WHERE l.queue = 'sends' AND l.tenant_id = a.tenant_id AND l.lane = public_id('pac', a.id);
RESET ROLE;
ALTER TABLE queue.limits DROP COLUMN set_by;
