-- As before, but where there are a hundred entries, the oldest that cost no budget goes first: a job that is put off and throttled
-- by turns makes an entry each time, and must not push its failures out. (Errors are 50 at most, and crashes three.)
CREATE OR REPLACE FUNCTION queue.remember(attempts jsonb, attempt jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE
        WHEN attempt ->> 'class' IN ('snooze', 'throttled', 'interruption')
            AND attempts -> -1 ->> 'class' = attempt ->> 'class' AND attempts -> -1 ->> 'code' = attempt ->> 'code'
            THEN (attempts - -1) || (attempt
                || jsonb_build_object('times', coalesce((attempts -> -1 ->> 'times')::integer, 1) + 1))
        WHEN jsonb_array_length(attempts) >= 100 THEN
            (attempts - coalesce((SELECT (nth - 1)::integer
                FROM jsonb_array_elements(attempts) WITH ORDINALITY AS e (entry, nth)
                WHERE entry ->> 'class' IN ('snooze', 'throttled', 'interruption') ORDER BY nth LIMIT 1), 0)) || attempt
        ELSE attempts || attempt
    END;
