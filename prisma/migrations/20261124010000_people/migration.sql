-- AlterTable
ALTER TABLE "users" ADD COLUMN     "email_verified_at" TIMESTAMPTZ(3),
ADD COLUMN     "locale" TEXT NOT NULL DEFAULT 'en',
ADD COLUMN     "marketing_mail" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "sessions" ADD COLUMN     "address" TEXT,
ADD COLUMN     "user_agent" TEXT;

-- CreateTable
CREATE TABLE "user_passwords" (
    "user_id" UUID NOT NULL,
    "hash" TEXT NOT NULL,
    "changed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "user_passwords_pkey" PRIMARY KEY ("user_id")
);

-- CreateTable
CREATE TABLE "user_tokens" (
    "user_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "purpose" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "email_key" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "user_tokens_pkey" PRIMARY KEY ("user_id","id")
);

-- CreateTable
CREATE TABLE "sign_in_signals" (
    "user_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "outcome" TEXT NOT NULL,
    "address_hash" BYTEA,
    "network_hash" BYTEA,
    "fingerprint_hash" BYTEA,
    "agent_hash" BYTEA,
    "flags" TEXT[] DEFAULT ARRAY[]::TEXT[],

    CONSTRAINT "sign_in_signals_pkey" PRIMARY KEY ("user_id","id")
);

-- CreateTable
CREATE TABLE "user_mail_choices" (
    "user_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "opted_in" BOOLEAN NOT NULL,
    "source" TEXT NOT NULL,

    CONSTRAINT "user_mail_choices_pkey" PRIMARY KEY ("user_id","id")
);

-- CreateIndex
CREATE INDEX "sign_in_signals_user_id_outcome_at_idx" ON "sign_in_signals"("user_id", "outcome", "at");

-- CreateIndex
CREATE INDEX "sign_in_signals_at_idx" ON "sign_in_signals"("at");

-- AddForeignKey
ALTER TABLE "user_passwords" ADD CONSTRAINT "user_passwords_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_tokens" ADD CONSTRAINT "user_tokens_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_mail_choices" ADD CONSTRAINT "user_mail_choices_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Passwords leave the table that colleagues will read. Under FORCE its owner would see nothing to move.
ALTER TABLE "users" NO FORCE ROW LEVEL SECURITY;
INSERT INTO "user_passwords" ("user_id", "hash", "changed_at") SELECT "id", "password_hash", "created_at" FROM "users";
ALTER TABLE "users" FORCE ROW LEVEL SECURITY;
ALTER TABLE "users" DROP COLUMN "password_hash";

ALTER TABLE "user_tokens" ADD CONSTRAINT "user_tokens_purpose_check" CHECK ("purpose" IN ('VERIFY_EMAIL', 'RESET_PASSWORD'));
ALTER TABLE "sign_in_signals" ADD CONSTRAINT "sign_in_signals_outcome_check" CHECK ("outcome" IN ('SUCCEEDED', 'FAILED'));
ALTER TABLE "user_mail_choices" ADD CONSTRAINT "user_mail_choices_source_check" CHECK ("source" IN ('PERSON', 'UNSUBSCRIBE_LINK'));

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['user_passwords', 'user_tokens', 'sign_in_signals', 'user_mail_choices'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format($policy$CREATE POLICY person ON %I USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)) WITH CHECK (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid))$policy$, name);
  END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON "user_passwords", "user_tokens" TO parley_app;
-- Evidence: added and read, never changed. Signals that are older than two years are removed by a function, which sees nothing younger.
GRANT SELECT, INSERT ON "sign_in_signals", "user_mail_choices" TO parley_app;
CREATE POLICY purge ON "sign_in_signals" TO parley_queue USING (at < now() - interval '2 years') WITH CHECK (false);
GRANT SELECT, DELETE ON "sign_in_signals" TO parley_queue;

CREATE POLICY finder ON "user_passwords" FOR SELECT TO parley_finder USING (true);
GRANT SELECT ON "user_passwords" TO parley_finder;

-- What a person did to their own account concerns every tenant that the person works for, though only one of them can be set.
CREATE POLICY deeds ON "audit_entries" TO parley_queue USING (false) WITH CHECK (tenant_id IN (SELECT m.tenant_id FROM "memberships" m WHERE m.user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)));
GRANT INSERT ON "audit_entries" TO parley_queue;
GRANT SELECT ON "memberships" TO parley_queue; -- by the policy `person` it sees those of the person that is set, and no other

-- Who signs in with this address, before anybody is signed in. Without a password (they sign in by other means) the hash is null.
DROP FUNCTION find_sign_in(text);
CREATE FUNCTION find_sign_in(address_key text) RETURNS TABLE (user_id uuid, password_hash text, tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT u.id, p.hash, m.tenant_id
      FROM public.users u LEFT JOIN public.user_passwords p ON p.user_id = u.id LEFT JOIN public.memberships m ON m.user_id = u.id
     WHERE u.email_key = address_key ORDER BY m.created_at, m.tenant_id LIMIT 1
  $$;

-- Writes what was done to the account of the person that is set into the audit log of each tenant of theirs, or of one of them.
CREATE FUNCTION record_person_deed(by_person boolean, action text, target_type text, target_id uuid, address text, request_id text, after jsonb, only_tenant uuid) RETURNS int
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    written int;
  BEGIN
    INSERT INTO public.audit_entries (tenant_id, actor_type, actor_id, action, target_type, target_id, address, request_id, after)
    SELECT m.tenant_id, CASE WHEN by_person THEN 'PERSON' ELSE 'SYSTEM' END, CASE WHEN by_person THEN m.user_id END,
           record_person_deed.action, record_person_deed.target_type, record_person_deed.target_id,
           record_person_deed.address, record_person_deed.request_id, record_person_deed.after
      FROM public.memberships m
     WHERE m.user_id = nullif(current_setting('app.user_id', true), '')::uuid AND (only_tenant IS NULL OR m.tenant_id = only_tenant);
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
  END
  $$;

CREATE FUNCTION purge_sign_in_signals(at_most int) RETURNS int
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    gone int;
  BEGIN
    DELETE FROM public.sign_in_signals s USING (
      SELECT user_id, id FROM public.sign_in_signals WHERE at < now() - interval '2 years' ORDER BY at LIMIT at_most) AS old
     WHERE s.user_id = old.user_id AND s.id = old.id;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
  END
  $$;

DO $$
DECLARE
  signature text;
BEGIN
  -- Grants come before the change of owner: afterwards they are no longer ours to give, and Postgres only warns.
  GRANT CREATE ON SCHEMA public TO parley_finder, parley_queue;
  EXECUTE 'REVOKE ALL ON FUNCTION find_sign_in(text) FROM PUBLIC';
  EXECUTE 'GRANT EXECUTE ON FUNCTION find_sign_in(text) TO parley_app';
  EXECUTE 'ALTER FUNCTION find_sign_in(text) OWNER TO parley_finder';
  FOREACH signature IN ARRAY ARRAY['record_person_deed(boolean, text, text, uuid, text, text, jsonb, uuid)', 'purge_sign_in_signals(int)'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_app', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO parley_queue', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM parley_finder, parley_queue;
END
$$;
