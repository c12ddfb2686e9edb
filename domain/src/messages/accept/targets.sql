-- Who each item would reach, and what speaks against it: one row per item, in order.
-- $1 contact or null, $2 address or null, $3 channel
SELECT i.place::int4 AS place,
    p.id AS contact_id,
    coalesce(own.contact_id, other.contact_id) AS owner_id,
    coalesce(own.address, i.address) AS address,
    coalesce(own.consent, other.consent) AS consent,
    s.reason AS suppressed
FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS i (contact_id, address, place)
LEFT JOIN contacts p ON p.id = i.contact_id
LEFT JOIN LATERAL (
    SELECT c.contact_id, c.address, c.consent FROM contact_channels c
    WHERE c.contact_id = i.contact_id AND c.channel = $3
    ORDER BY c.is_primary DESC, c.id
    LIMIT 1
) own ON true
LEFT JOIN contact_channels other ON i.contact_id IS NULL AND other.channel = $3 AND other.address = i.address
LEFT JOIN suppressions s ON s.channel = $3 AND s.address = coalesce(own.address, i.address)
ORDER BY i.place
