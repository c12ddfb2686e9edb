-- Inbound messages, each once however often its webhook came; contacts are found by their address. Answers the new
-- ones only. $1 tenant, $2 channel, then one array a column.
WITH n AS (
    SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int2[],
        $10::timestamptz[])
        AS n (id, account_id, provider_id, from_address, to_address, body, segments, received_at)
), stored AS (
    INSERT INTO messages (tenant_id, direction, channel, state, id, contact_id, provider_account_id,
        provider_message_id, from_address, to_address, body, segments, created_at, updated_at)
    SELECT $1, 'inbound', $2, 'received', n.id, c.contact_id, n.account_id,
        n.provider_id, n.from_address, n.to_address, n.body, n.segments, n.received_at, now()
    FROM n LEFT JOIN contact_channels c ON c.channel = $2 AND c.address = n.from_address
    ON CONFLICT (tenant_id, provider_account_id, provider_message_id) DO NOTHING
    RETURNING id, contact_id, from_address
)
SELECT s.id, s.contact_id,
    EXISTS (SELECT FROM suppressions x WHERE x.channel = $2 AND x.address = s.from_address AND x.reason = 'stop')
    OR EXISTS (SELECT FROM contact_channels c
        WHERE c.channel = $2 AND c.address = s.from_address AND c.consent = 'opted_out') AS opted_out
FROM stored s
