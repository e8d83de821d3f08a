-- CreateTable
CREATE TABLE "audit_entries" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor_type" TEXT NOT NULL,
    "actor_id" UUID,
    "action" TEXT NOT NULL,
    "target_type" TEXT NOT NULL,
    "target_id" UUID,
    "address" TEXT,
    "request_id" TEXT,
    "before" JSONB,
    "after" JSONB,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE INDEX "audit_entries_target_idx" ON "audit_entries"("tenant_id", "target_id", "id") WHERE "target_id" IS NOT NULL;

-- CreateIndex
CREATE INDEX "audit_entries_actor_idx" ON "audit_entries"("tenant_id", "actor_id", "id") WHERE "actor_id" IS NOT NULL;

-- CreateIndex
CREATE INDEX "audit_entries_tenant_id_action_id_idx" ON "audit_entries"("tenant_id", "action", "id");

-- AddForeignKey
ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_actor_type_check" CHECK ("actor_type" IN ('PERSON', 'API_KEY', 'SYSTEM'));

-- Append-only for the application: it adds and reads. What is older than two years is removed by a function, which sees nothing younger.
ALTER TABLE "audit_entries" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "audit_entries" FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON "audit_entries" USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE POLICY purge ON "audit_entries" TO parley_queue USING (at < now() - interval '2 years') WITH CHECK (false);
GRANT SELECT, INSERT ON "audit_entries" TO parley_app;
GRANT SELECT, DELETE ON "audit_entries" TO parley_queue;

CREATE FUNCTION purge_audit_entries(at_most int) RETURNS int
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    gone int;
  BEGIN
    -- Ids begin with their time, so that each tenant's oldest come first in its primary key.
    DELETE FROM public.audit_entries a USING (
      SELECT tenant_id, id FROM public.audit_entries WHERE at < now() - interval '2 years' LIMIT at_most) AS old
     WHERE a.tenant_id = old.tenant_id AND a.id = old.id;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
  END
  $$;

DO $$
DECLARE
  signature text;
BEGIN
  -- Grants come before the change of owner: afterwards they are no longer ours to give, and Postgres only warns.
  GRANT CREATE ON SCHEMA public TO parley_queue;
  FOREACH signature IN ARRAY ARRAY['purge_audit_entries(int)'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_app', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO parley_queue', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM parley_queue;
END
$$;
