DROP FUNCTION queue.remember(jsonb, jsonb);
