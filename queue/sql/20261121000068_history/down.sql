CREATE OR REPLACE FUNCTION queue.remember(attempts jsonb, attempt jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN attempt ->> 'class' IN ('snooze', 'throttled', 'interruption')
            AND attempts -> -1 ->> 'class' = attempt ->> 'class' AND attempts -> -1 ->> 'code' = attempt ->> 'code'
            THEN (attempts - -1) || (attempt
                || jsonb_build_object('times', coalesce((attempts -> -1 ->> 'times')::integer, 1) + 1))
        WHEN jsonb_array_length(attempts) >= 100 THEN (attempts - 0) || attempt
        ELSE attempts || attempt
    END;
