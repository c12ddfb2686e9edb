DROP TABLE queue.tenant_plans;
DROP TABLE queue.plans;
DROP FUNCTION queue.note_plan_change();
