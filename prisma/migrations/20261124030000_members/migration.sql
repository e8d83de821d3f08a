-- CreateTable
CREATE TABLE "invitations" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "email" TEXT NOT NULL,
    "email_key" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "created_by" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "accepted_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "invitations_pkey" PRIMARY KEY ("tenant_id","id")
);

-- AddForeignKey
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

ALTER TABLE "invitations" ADD CONSTRAINT "invitations_role_check" CHECK ("role" IN ('OWNER', 'ADMIN', 'SELLER'));

-- One open invitation for an address.
CREATE UNIQUE INDEX "invitations_open_idx" ON "invitations"("tenant_id", "email_key") WHERE "accepted_at" IS NULL AND "revoked_at" IS NULL;

ALTER TABLE "invitations" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "invitations" FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON "invitations" USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON "invitations" TO parley_app;

-- A membership is the person's, who sees all of them, and the tenant's, which changes and ends them. Only the person can begin one, for the
-- tenant that is set: nobody is made a member, and so read by colleagues, without being there.
DROP POLICY person ON "memberships";
CREATE POLICY person ON "memberships" FOR SELECT USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY tenant ON "memberships" FOR SELECT TO parley_app USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE POLICY joining ON "memberships" FOR INSERT TO parley_app WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid) AND user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY changing ON "memberships" FOR UPDATE TO parley_app USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
CREATE POLICY ending ON "memberships" FOR DELETE TO parley_app USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));

-- A membership is never turned into somebody else's.
CREATE FUNCTION refuse_another_member() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    RAISE EXCEPTION 'A membership stays its person''s and its tenant''s.' USING ERRCODE = 'insufficient_privilege';
  END
  $$;
CREATE TRIGGER "memberships_stay" BEFORE UPDATE ON "memberships" FOR EACH ROW
  WHEN (OLD.tenant_id <> NEW.tenant_id OR OLD.user_id <> NEW.user_id) EXECUTE FUNCTION refuse_another_member();

-- Colleagues see one another's names and addresses; what else is in the row is for the code to keep. Passwords are not in it.
CREATE POLICY colleague ON "users" FOR SELECT TO parley_app USING (EXISTS (SELECT FROM "memberships" m WHERE m.tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid) AND m.user_id = users.id));

CREATE POLICY finder ON "tenants" FOR SELECT TO parley_finder USING (true);
GRANT SELECT ON "tenants", "user_totp" TO parley_finder;

-- Where the person that is set works: the one thing that is read of a tenant while another one is set.
CREATE FUNCTION find_own_tenants() RETURNS TABLE (tenant_id uuid, name text, role text, joined_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT m.tenant_id, t.name, m.role, m.created_at
      FROM public.memberships m JOIN public.tenants t ON t.id = m.tenant_id
     WHERE m.user_id = nullif(current_setting('app.user_id', true), '')::uuid
     ORDER BY m.created_at, m.tenant_id LIMIT 200
  $$;

-- Which members of the tenant that is set have a second factor.
CREATE FUNCTION find_members_with_totp() RETURNS TABLE (user_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT m.user_id FROM public.memberships m JOIN public.user_totp f ON f.user_id = m.user_id AND f.confirmed_at IS NOT NULL
     WHERE m.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
  $$;

DO $$
DECLARE
  signature text;
BEGIN
  -- Grants come before the change of owner: afterwards they are no longer ours to give, and Postgres only warns.
  GRANT CREATE ON SCHEMA public TO parley_finder;
  FOREACH signature IN ARRAY ARRAY['find_own_tenants()', 'find_members_with_totp()'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_app', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO parley_finder', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM parley_finder;
END
$$;
