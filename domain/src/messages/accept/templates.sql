-- $1 channel, $2 ids, $3 codes
SELECT t.id, t.code, t.class, t.body
FROM templates t
WHERE t.channel = $1 AND t.archived_at IS NULL AND (t.id = ANY ($2) OR t.code = ANY ($3))
ORDER BY t.id
