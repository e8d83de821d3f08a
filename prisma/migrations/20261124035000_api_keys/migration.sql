-- CreateTable
CREATE TABLE "api_keys" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "name" TEXT NOT NULL,
    "integration" TEXT NOT NULL,
    "scopes" TEXT[],
    "secret_hash" BYTEA NOT NULL,
    "last4" TEXT NOT NULL,
    "allowed_ranges" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "created_by" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "last_used_address" TEXT,
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_because" TEXT,
    "replaced_by_id" UUID,

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateIndex
CREATE INDEX "api_keys_id_idx" ON "api_keys"("id");

-- CreateIndex
CREATE INDEX "api_keys_tenant_id_integration_idx" ON "api_keys"("tenant_id", "integration");

-- CreateIndex
CREATE INDEX "api_keys_tenant_id_replaced_by_id_idx" ON "api_keys"("tenant_id", "replaced_by_id");

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_tenant_id_replaced_by_id_fkey" FOREIGN KEY ("tenant_id", "replaced_by_id") REFERENCES "api_keys"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_revoked_because_check" CHECK ("revoked_because" IN ('REVOKED', 'ROTATED', 'REPORTED'));

ALTER TABLE "api_keys" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "api_keys" FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON "api_keys" USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE POLICY finder ON "api_keys" FOR SELECT TO parley_finder USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON "api_keys" TO parley_app;
GRANT SELECT ON "api_keys" TO parley_finder;

-- Whose a key is, before there is a tenant. Whether it holds is then asked as that tenant.
CREATE FUNCTION find_api_key(key_id uuid) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT k.tenant_id FROM public.api_keys k WHERE k.id = key_id
  $$;

DO $$
DECLARE
  signature text;
BEGIN
  -- Grants come before the change of owner: afterwards they are no longer ours to give, and Postgres only warns.
  GRANT CREATE ON SCHEMA public TO parley_finder;
  FOREACH signature IN ARRAY ARRAY['find_api_key(uuid)'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_app', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO parley_finder', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM parley_finder;
END
$$;
