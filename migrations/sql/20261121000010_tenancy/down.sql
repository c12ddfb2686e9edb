DROP TABLE idempotency_keys;
DROP TABLE audit_log;
DROP TABLE events;
DROP TABLE api_keys;
DROP TABLE tenants;
REVOKE USAGE ON SCHEMA public FROM patchbay_app, patchbay_system;
DO $$ BEGIN
    IF current_setting('server_version_num')::integer < 150000 THEN
        GRANT CREATE ON SCHEMA public TO PUBLIC;
    END IF;
END $$;
