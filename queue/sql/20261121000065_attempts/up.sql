-- One more attempt in a job's history, oldest first. Attempts of the same class and code that follow each other and cost no
-- budget are one entry with a count: a job that polls is put off thousands of times, and must neither push its failures out
-- nor grow for ever. The oldest goes where there are a hundred, which a budget cannot fill: it is 50 errors at most, and three
-- crashes.
CREATE FUNCTION queue.remember(attempts jsonb, attempt jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN attempt ->> 'class' IN ('snooze', 'throttled', 'interruption')
            AND attempts -> -1 ->> 'class' = attempt ->> 'class' AND attempts -> -1 ->> 'code' = attempt ->> 'code'
            THEN (attempts - -1) || (attempt
                || jsonb_build_object('times', coalesce((attempts -> -1 ->> 'times')::integer, 1) + 1))
        WHEN jsonb_array_length(attempts) >= 100 THEN (attempts - 0) || attempt
        ELSE attempts || attempt
    END;
