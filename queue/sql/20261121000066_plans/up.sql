-- What a tenant's plan is worth in every queue: its share against the others', and how much of it may wait. What is set for the
-- tenant itself (queue.limits) goes before it. A change leaves word for the keeper like any other.
CREATE TABLE queue.plans (
    name        text             NOT NULL PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    weight      double precision NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0.01 AND 1000),
    max_waiting bigint           CHECK (max_waiting > 0),
    updated_at  timestamptz      NOT NULL DEFAULT now()
);
GRANT SELECT ON queue.plans TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.plans TO patchbay_system;

CREATE TABLE queue.tenant_plans (
    tenant_id uuid NOT NULL PRIMARY KEY,
    plan      text NOT NULL REFERENCES queue.plans (name)
);
CREATE INDEX tenant_plans_plan ON queue.tenant_plans (plan);
ALTER TABLE queue.tenant_plans ENABLE ROW LEVEL SECURITY;
ALTER TABLE queue.tenant_plans FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON queue.tenant_plans TO patchbay_app USING (tenant_id = (SELECT queue.current_tenant()));
CREATE POLICY system ON queue.tenant_plans TO patchbay_system USING (true) WITH CHECK (true);
GRANT SELECT ON queue.tenant_plans TO patchbay_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue.tenant_plans TO patchbay_system;

CREATE FUNCTION queue.note_plan_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO queue.control_changes (queue) VALUES ('*');
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION queue.note_plan_change() FROM PUBLIC;

CREATE TRIGGER changed AFTER UPDATE ON queue.plans
    FOR EACH STATEMENT EXECUTE FUNCTION queue.note_plan_change();
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON queue.tenant_plans
    FOR EACH STATEMENT EXECUTE FUNCTION queue.note_plan_change();
