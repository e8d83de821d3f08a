-- AlterTable
ALTER TABLE "tenants" ADD COLUMN     "message_text_days" INTEGER,
ADD COLUMN     "resend_unknown" BOOLEAN NOT NULL DEFAULT false;

-- CreateTable
CREATE TABLE "campaigns" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "name" TEXT NOT NULL,
    "number_id" UUID NOT NULL,
    "template_version_id" UUID NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'DRAFT',
    "audience" JSONB NOT NULL,
    "variables" JSONB NOT NULL DEFAULT '[]',
    "scheduled_at" TIMESTAMPTZ(3),
    "valid_until" TIMESTAMPTZ(3),
    "launched_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "resumed_at" TIMESTAMPTZ(3),
    "checked_at" TIMESTAMPTZ(3),
    "judged_at" TIMESTAMPTZ(3),
    "progressed_at" TIMESTAMPTZ(3),
    "stalled_since" TIMESTAMPTZ(3),
    "blocked_reason" TEXT,
    "lease_token" UUID,
    "lease_until" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "created_by" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "campaigns_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "connections" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "partner" TEXT NOT NULL,
    "external_id" TEXT,
    "status" TEXT NOT NULL DEFAULT 'ACTIVE',
    "broken_reason" TEXT,
    "grant_hash" BYTEA,
    "token" TEXT,
    "token_expires_at" TIMESTAMPTZ(3),
    "scopes" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "connections_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "whatsapp_accounts" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "connection_id" UUID NOT NULL,
    "waba_id" TEXT NOT NULL,
    "portfolio_id" TEXT NOT NULL,
    "name" TEXT,
    "currency" TEXT,
    "time_zone_id" TEXT,
    "review_status" TEXT,
    "blocked_reason" TEXT,
    "blocked_at" TIMESTAMPTZ(3),
    "blocked_until" TIMESTAMPTZ(3),
    "templates_synced_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "whatsapp_accounts_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "whatsapp_numbers" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "account_id" UUID NOT NULL,
    "phone_number_id" TEXT NOT NULL,
    "display_number" TEXT NOT NULL,
    "verified_name" TEXT,
    "quality" TEXT NOT NULL DEFAULT 'UNKNOWN',
    "throughput" INTEGER NOT NULL DEFAULT 80,
    "messaging_limit" INTEGER,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "name_status" TEXT,
    "is_registered" BOOLEAN NOT NULL DEFAULT false,
    "blocked_reason" TEXT,
    "blocked_at" TIMESTAMPTZ(3),
    "blocked_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "whatsapp_numbers_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "number_paces" (
    "tenant_id" UUID NOT NULL,
    "number_id" UUID NOT NULL,
    "next_free_us" BIGINT NOT NULL DEFAULT 0,
    "factor" DOUBLE PRECISION NOT NULL DEFAULT 1,
    "factor_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "doubts" INTEGER NOT NULL DEFAULT 0,
    "open_until" TIMESTAMPTZ(3),
    "status_at" TIMESTAMPTZ(3),

    CONSTRAINT "number_paces_pkey" PRIMARY KEY ("tenant_id","number_id")
);

-- CreateTable
CREATE TABLE "contact_windows" (
    "tenant_id" UUID NOT NULL,
    "contact_id" UUID NOT NULL,
    "number_id" UUID NOT NULL,
    "last_inbound_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "contact_windows_pkey" PRIMARY KEY ("tenant_id","contact_id","number_id")
);

-- CreateTable
CREATE TABLE "partner_routes" (
    "source" TEXT NOT NULL,
    "external_id" TEXT NOT NULL,
    "owner_tenant_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "partner_routes_pkey" PRIMARY KEY ("source","external_id")
);

-- CreateTable
CREATE TABLE "whatsapp_portfolios" (
    "portfolio_id" TEXT NOT NULL,
    "salt" BYTEA NOT NULL DEFAULT uuid_send(gen_random_uuid()),

    CONSTRAINT "whatsapp_portfolios_pkey" PRIMARY KEY ("portfolio_id")
);

-- CreateTable
CREATE TABLE "whatsapp_portfolio_people" (
    "portfolio_id" TEXT NOT NULL,
    "person_hash" BYTEA NOT NULL,
    "sent_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "whatsapp_portfolio_people_pkey" PRIMARY KEY ("portfolio_id","person_hash")
);

-- CreateTable
CREATE TABLE "messages" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "direction" TEXT NOT NULL,
    "number_id" UUID NOT NULL,
    "contact_id" UUID,
    "campaign_id" UUID,
    "template_version_id" UUID,
    "type" TEXT NOT NULL,
    "category" TEXT,
    "address" TEXT,
    "parameters" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "content" JSONB,
    "status" TEXT NOT NULL,
    "reason" TEXT,
    "attempt" SMALLINT NOT NULL DEFAULT 0,
    "resends" SMALLINT NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3),
    "open_until" TIMESTAMPTZ(3),
    "valid_until" TIMESTAMPTZ(3),
    "wamid" TEXT,
    "context_wamid" TEXT,
    "occurred_at" TIMESTAMPTZ(3),
    "dispatched_at" TIMESTAMPTZ(3),
    "accepted_at" TIMESTAMPTZ(3),
    "sent_at" TIMESTAMPTZ(3),
    "delivered_at" TIMESTAMPTZ(3),
    "read_at" TIMESTAMPTZ(3),
    "played_at" TIMESTAMPTZ(3),
    "failed_at" TIMESTAMPTZ(3),
    "failure_code" INTEGER,
    "pricing_category" TEXT,
    "pricing_type" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "messages_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "templates" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "account_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "meta_id" TEXT,
    "category" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'SUBMITTING',
    "quality" TEXT NOT NULL DEFAULT 'UNKNOWN',
    "rejected_reason" TEXT,
    "next_category" TEXT,
    "next_category_at" TIMESTAMPTZ(3),
    "paused_until" TIMESTAMPTZ(3),
    "ttl_seconds" INTEGER,
    "version_id" UUID,
    "status_at" TIMESTAMPTZ(3),
    "quality_at" TIMESTAMPTZ(3),
    "category_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "templates_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "template_versions" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "template_id" UUID NOT NULL,
    "parameter_format" TEXT NOT NULL DEFAULT 'POSITIONAL',
    "components" JSONB NOT NULL,
    "parameters" JSONB NOT NULL,
    "content_hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "template_versions_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "webhook_events" (
    "tenant_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "payload" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "due_at" TIMESTAMPTZ(3) DEFAULT CURRENT_TIMESTAMP,
    "attempts" SMALLINT NOT NULL DEFAULT 0,
    "problem" TEXT,

    CONSTRAINT "webhook_events_pkey" PRIMARY KEY ("tenant_id","key")
);

-- CreateTable
CREATE TABLE "unrouted_events" (
    "source" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "external_id" TEXT,
    "payload" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "unrouted_events_pkey" PRIMARY KEY ("source","key")
);

-- CreateIndex
CREATE INDEX "campaigns_tenant_id_created_at_id_idx" ON "campaigns"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "campaigns_tenant_id_number_id_status_idx" ON "campaigns"("tenant_id", "number_id", "status");

-- CreateIndex
CREATE INDEX "campaigns_tenant_id_template_version_id_idx" ON "campaigns"("tenant_id", "template_version_id");

-- CreateIndex
CREATE UNIQUE INDEX "connections_tenant_id_partner_external_id_key" ON "connections"("tenant_id", "partner", "external_id");

-- CreateIndex
CREATE INDEX "whatsapp_accounts_tenant_id_created_at_id_idx" ON "whatsapp_accounts"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "whatsapp_accounts_tenant_id_waba_id_key" ON "whatsapp_accounts"("tenant_id", "waba_id");

-- CreateIndex
CREATE UNIQUE INDEX "whatsapp_accounts_tenant_id_connection_id_key" ON "whatsapp_accounts"("tenant_id", "connection_id");

-- CreateIndex
CREATE INDEX "whatsapp_numbers_tenant_id_account_id_idx" ON "whatsapp_numbers"("tenant_id", "account_id");

-- CreateIndex
CREATE INDEX "whatsapp_numbers_tenant_id_created_at_id_idx" ON "whatsapp_numbers"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "whatsapp_numbers_tenant_id_phone_number_id_key" ON "whatsapp_numbers"("tenant_id", "phone_number_id");

-- CreateIndex
CREATE INDEX "contact_windows_tenant_id_number_id_idx" ON "contact_windows"("tenant_id", "number_id");

-- CreateIndex
CREATE INDEX "partner_routes_owner_tenant_id_idx" ON "partner_routes"("owner_tenant_id");

-- CreateIndex
CREATE INDEX "whatsapp_portfolio_people_portfolio_id_sent_at_idx" ON "whatsapp_portfolio_people"("portfolio_id", "sent_at");

-- CreateIndex
CREATE UNIQUE INDEX "messages_tenant_id_contact_id_campaign_id_key" ON "messages"("tenant_id", "contact_id", "campaign_id");

-- CreateIndex
CREATE UNIQUE INDEX "messages_tenant_id_campaign_id_address_key" ON "messages"("tenant_id", "campaign_id", "address");

-- CreateIndex
CREATE INDEX "templates_tenant_id_account_id_name_language_idx" ON "templates"("tenant_id", "account_id", "name", "language");

-- CreateIndex
CREATE INDEX "templates_tenant_id_meta_id_idx" ON "templates"("tenant_id", "meta_id");

-- CreateIndex
CREATE INDEX "templates_tenant_id_created_at_id_idx" ON "templates"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "template_versions_tenant_id_template_id_content_hash_key" ON "template_versions"("tenant_id", "template_id", "content_hash");

-- CreateIndex
CREATE INDEX "webhook_events_received_at_idx" ON "webhook_events" USING BRIN ("received_at");

-- CreateIndex
CREATE INDEX "unrouted_events_received_at_idx" ON "unrouted_events"("received_at");

-- AddForeignKey
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_tenant_id_number_id_fkey" FOREIGN KEY ("tenant_id", "number_id") REFERENCES "whatsapp_numbers"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_tenant_id_template_version_id_fkey" FOREIGN KEY ("tenant_id", "template_version_id") REFERENCES "template_versions"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "connections" ADD CONSTRAINT "connections_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "whatsapp_accounts" ADD CONSTRAINT "whatsapp_accounts_tenant_id_connection_id_fkey" FOREIGN KEY ("tenant_id", "connection_id") REFERENCES "connections"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "whatsapp_numbers" ADD CONSTRAINT "whatsapp_numbers_tenant_id_account_id_fkey" FOREIGN KEY ("tenant_id", "account_id") REFERENCES "whatsapp_accounts"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "number_paces" ADD CONSTRAINT "number_paces_tenant_id_number_id_fkey" FOREIGN KEY ("tenant_id", "number_id") REFERENCES "whatsapp_numbers"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_windows" ADD CONSTRAINT "contact_windows_tenant_id_contact_id_fkey" FOREIGN KEY ("tenant_id", "contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_windows" ADD CONSTRAINT "contact_windows_tenant_id_number_id_fkey" FOREIGN KEY ("tenant_id", "number_id") REFERENCES "whatsapp_numbers"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "whatsapp_portfolio_people" ADD CONSTRAINT "whatsapp_portfolio_people_portfolio_id_fkey" FOREIGN KEY ("portfolio_id") REFERENCES "whatsapp_portfolios"("portfolio_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "messages" ADD CONSTRAINT "messages_tenant_id_number_id_fkey" FOREIGN KEY ("tenant_id", "number_id") REFERENCES "whatsapp_numbers"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "messages" ADD CONSTRAINT "messages_tenant_id_contact_id_fkey" FOREIGN KEY ("tenant_id", "contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "messages" ADD CONSTRAINT "messages_tenant_id_campaign_id_fkey" FOREIGN KEY ("tenant_id", "campaign_id") REFERENCES "campaigns"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "templates" ADD CONSTRAINT "templates_tenant_id_account_id_fkey" FOREIGN KEY ("tenant_id", "account_id") REFERENCES "whatsapp_accounts"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "template_versions" ADD CONSTRAINT "template_versions_tenant_id_template_id_fkey" FOREIGN KEY ("tenant_id", "template_id") REFERENCES "templates"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_events" ADD CONSTRAINT "webhook_events_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What Prisma's schema cannot say starts here (the drift test lists it).

-- What waits to be sent: by number, then by campaign (NULL: single messages, which go first). A row leaves it when it is dispatched.
CREATE INDEX "messages_queue_idx" ON "messages"("tenant_id", "number_id", "campaign_id", "due_at", "id") WHERE "due_at" IS NOT NULL;
-- What is under way, or in doubt: few rows, watched by the clock.
CREATE INDEX "messages_open_idx" ON "messages"("tenant_id", "campaign_id", "open_until") WHERE "open_until" IS NOT NULL;
CREATE UNIQUE INDEX "messages_wamid_idx" ON "messages"("tenant_id", "wamid") WHERE "wamid" IS NOT NULL;
-- The recipients of a campaign, page by page.
CREATE INDEX "messages_campaign_idx" ON "messages"("tenant_id", "campaign_id", "id") WHERE "campaign_id" IS NOT NULL;
-- Recipients that a person may want to look at: few, and written once. `status` itself stands in no index, so that it changes in place.
CREATE INDEX "messages_trouble_idx" ON "messages"("tenant_id", "campaign_id", "id") WHERE "failed_at" IS NOT NULL OR "reason" IS NOT NULL;
-- One name in one language, among those that live.
CREATE UNIQUE INDEX "templates_name_idx" ON "templates"("tenant_id", "account_id", "name", "language") WHERE "deleted_at" IS NULL;
-- What the clock looks after: campaigns that are not over.
CREATE INDEX "campaigns_open_idx" ON "campaigns"("tenant_id", "id") WHERE "finished_at" IS NULL AND "status" <> 'DRAFT';
CREATE INDEX "webhook_events_due_idx" ON "webhook_events"("tenant_id", "due_at", "key") WHERE "due_at" IS NOT NULL;

-- Statuses, read receipts and outcomes are written over and over: room on the page keeps them off the indexes.
ALTER TABLE "messages" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE "webhook_events" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE "number_paces" SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

ALTER TABLE "connections" ADD CONSTRAINT "connections_partner_check" CHECK ("partner" IN ('WHATSAPP', 'TIKTOK_SHOP', 'MERCADO_LIVRE', 'SHOPEE'));
ALTER TABLE "connections" ADD CONSTRAINT "connections_status_check" CHECK ("status" IN ('CONNECTING', 'ACTIVE', 'BROKEN', 'ENDED'));
ALTER TABLE "connections" ADD CONSTRAINT "connections_external_id_check" CHECK ("status" = 'CONNECTING' OR "external_id" IS NOT NULL);
ALTER TABLE "whatsapp_numbers" ADD CONSTRAINT "whatsapp_numbers_quality_check" CHECK ("quality" IN ('GREEN', 'YELLOW', 'RED', 'UNKNOWN'));
ALTER TABLE "whatsapp_numbers" ADD CONSTRAINT "whatsapp_numbers_throughput_check" CHECK ("throughput" > 0);
ALTER TABLE "number_paces" ADD CONSTRAINT "number_paces_factor_check" CHECK ("factor" > 0 AND "factor" <= 1);
ALTER TABLE "templates" ADD CONSTRAINT "templates_category_check" CHECK ("category" IN ('MARKETING', 'UTILITY', 'AUTHENTICATION'));
ALTER TABLE "templates" ADD CONSTRAINT "templates_status_check" CHECK ("status" IN ('SUBMITTING', 'PENDING', 'APPROVED', 'REJECTED', 'PAUSED', 'DISABLED', 'IN_APPEAL', 'PENDING_DELETION', 'DELETED', 'LIMIT_EXCEEDED', 'ARCHIVED', 'UNKNOWN'));
ALTER TABLE "templates" ADD CONSTRAINT "templates_quality_check" CHECK ("quality" IN ('GREEN', 'YELLOW', 'RED', 'UNKNOWN'));
ALTER TABLE "template_versions" ADD CONSTRAINT "template_versions_format_check" CHECK ("parameter_format" IN ('POSITIONAL', 'NAMED'));
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_status_check" CHECK ("status" IN ('DRAFT', 'SCHEDULED', 'LAUNCHING', 'RUNNING', 'PAUSED', 'CANCELLED', 'FINISHED', 'FAILED'));
ALTER TABLE "messages" ADD CONSTRAINT "messages_direction_check" CHECK ("direction" IN ('OUTBOUND', 'INBOUND'));
ALTER TABLE "messages" ADD CONSTRAINT "messages_status_check" CHECK ("status" IN ('ACCEPTED', 'QUEUED', 'DISPATCHING', 'SENT', 'DELIVERED', 'READ', 'FAILED', 'SKIPPED', 'EXPIRED', 'CANCELLED', 'UNKNOWN', 'RECEIVED'));
-- What waits is queued, and what is queued waits: nothing falls out of the queue unseen.
ALTER TABLE "messages" ADD CONSTRAINT "messages_queued_check" CHECK (("status" = 'QUEUED') = ("due_at" IS NOT NULL));
ALTER TABLE "messages" ADD CONSTRAINT "messages_open_check" CHECK (("status" <> 'DISPATCHING' OR "open_until" IS NOT NULL) AND ("open_until" IS NULL OR "status" IN ('DISPATCHING', 'UNKNOWN')));

-- Where a message stands, from what is known of it: it only moves forward, in whatever order the news comes. Delivered beats failed; failed beats sent.
CREATE FUNCTION message_status(was text, accepted timestamptz, sent timestamptz, delivered timestamptz, read timestamptz, failed timestamptz) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN read IS NOT NULL THEN 'READ' WHEN delivered IS NOT NULL THEN 'DELIVERED' WHEN failed IS NOT NULL THEN 'FAILED'
    WHEN sent IS NOT NULL THEN 'SENT' WHEN accepted IS NOT NULL THEN 'ACCEPTED' ELSE was END;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['connections', 'whatsapp_accounts', 'whatsapp_numbers', 'number_paces', 'contact_windows', 'templates', 'template_versions', 'campaigns',
    'messages', 'webhook_events'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format($policy$CREATE POLICY tenant ON %I USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))$policy$, name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_app', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['partner_routes', 'whatsapp_portfolios', 'whatsapp_portfolio_people', 'unrouted_events'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY fleet ON %I TO parley_queue USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_queue', name);
  END LOOP;
END
$$;
-- A version is what was pinned: nobody rewrites it; it goes with its template.
REVOKE UPDATE, DELETE ON "template_versions" FROM parley_app;

CREATE POLICY finder ON "messages" FOR SELECT TO parley_finder USING (true);
CREATE POLICY finder ON "campaigns" FOR SELECT TO parley_finder USING (true);
CREATE POLICY finder ON "whatsapp_numbers" FOR SELECT TO parley_finder USING (true);
CREATE POLICY finder ON "webhook_events" FOR SELECT TO parley_finder USING (true);
CREATE POLICY finder ON "whatsapp_accounts" FOR SELECT TO parley_finder USING (true);
CREATE POLICY finder ON "connections" FOR SELECT TO parley_finder USING (true);
GRANT SELECT ON "messages", "campaigns", "whatsapp_numbers", "webhook_events", "whatsapp_accounts", "connections" TO parley_finder;
CREATE POLICY finder ON "number_paces" FOR SELECT TO parley_finder USING (true);
GRANT SELECT ON "number_paces" TO parley_finder;

-- Numbers of whose messages nothing is heard though something should be: one was accepted 10 to 15 minutes ago, and no status has come since.
-- What was accepted is looked for only where no status has come for 10 minutes: in campaigns that moved lately, else by the time in the message's id.
CREATE FUNCTION find_silent_numbers(at_most int) RETURNS TABLE (tenant_id uuid, number_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT p.tenant_id, p.number_id FROM public.number_paces p
     WHERE (p.status_at IS NULL OR p.status_at < now() - interval '10 minutes')
       AND (EXISTS (
             SELECT FROM public.messages m WHERE m.tenant_id = p.tenant_id AND m.id >= uuidv7(interval '-16 minutes') AND m.number_id = p.number_id
                AND m.accepted_at BETWEEN now() - interval '15 minutes' AND now() - interval '10 minutes' AND (p.status_at IS NULL OR m.accepted_at > p.status_at))
         OR EXISTS (
             SELECT FROM public.campaigns c JOIN public.messages m ON m.tenant_id = c.tenant_id AND m.campaign_id = c.id
              WHERE c.tenant_id = p.tenant_id AND c.number_id = p.number_id AND c.progressed_at > now() - interval '15 minutes'
                AND m.accepted_at BETWEEN now() - interval '15 minutes' AND now() - interval '10 minutes' AND (p.status_at IS NULL OR m.accepted_at > p.status_at)))
     LIMIT at_most
  $$;

-- Numbers with something that may leave now. Urgent: single messages; else bulk of running campaigns.
CREATE FUNCTION find_due_numbers(urgent boolean, at_most int) RETURNS TABLE (tenant_id uuid, number_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT n.tenant_id, n.id FROM public.whatsapp_numbers n
     WHERE CASE WHEN urgent THEN
         EXISTS (SELECT FROM public.messages m WHERE m.tenant_id = n.tenant_id AND m.number_id = n.id AND m.campaign_id IS NULL AND m.due_at <= now())
       ELSE EXISTS (SELECT FROM public.campaigns c WHERE c.tenant_id = n.tenant_id AND c.number_id = n.id AND c.status = 'RUNNING'
         AND EXISTS (SELECT FROM public.messages m WHERE m.tenant_id = n.tenant_id AND m.number_id = n.id AND m.campaign_id = c.id AND m.due_at <= now())) END
     LIMIT at_most
  $$;

-- Campaigns that are not over and that nobody is launching at this moment: due, left behind, to be finished, or stalled; those first that nobody
-- has looked after for longest. A paused one needs nobody unless nothing of it is open any more, or its time is over.
CREATE FUNCTION find_open_campaigns(at_most int) RETURNS TABLE (tenant_id uuid, id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT c.tenant_id, c.id FROM public.campaigns c
     WHERE c.finished_at IS NULL AND c.status <> 'DRAFT' AND (c.status <> 'SCHEDULED' OR c.scheduled_at <= now())
       AND (c.status <> 'LAUNCHING' OR c.lease_until IS NULL OR c.lease_until < now())
       AND (c.status <> 'PAUSED' OR (c.launched_at IS NOT NULL AND (c.valid_until <= now() OR NOT EXISTS (SELECT FROM public.messages m
         WHERE m.tenant_id = c.tenant_id AND m.number_id = c.number_id AND m.campaign_id = c.id AND m.due_at IS NOT NULL))))
     ORDER BY c.checked_at NULLS FIRST, c.tenant_id, c.id LIMIT at_most
  $$;

-- Tenants with messages whose lease or settle window is over. Walks from tenant to tenant, however many rows one of them has.
CREATE FUNCTION find_tenants_in_doubt(at_most int) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    WITH RECURSIVE t AS (
      (SELECT m.tenant_id FROM public.messages m WHERE m.open_until IS NOT NULL ORDER BY m.tenant_id LIMIT 1)
      UNION ALL
      SELECT (SELECT m.tenant_id FROM public.messages m WHERE m.open_until IS NOT NULL AND m.tenant_id > t.tenant_id ORDER BY m.tenant_id LIMIT 1) FROM t WHERE t.tenant_id IS NOT NULL
    )
    SELECT t.tenant_id FROM t
     WHERE EXISTS (SELECT FROM public.messages m WHERE m.tenant_id = t.tenant_id AND m.open_until < now()) LIMIT at_most
  $$;

-- Tenants with webhook events that wait to be applied.
CREATE FUNCTION find_tenants_with_events(at_most int) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    WITH RECURSIVE t AS (
      (SELECT e.tenant_id FROM public.webhook_events e WHERE e.due_at IS NOT NULL ORDER BY e.tenant_id LIMIT 1)
      UNION ALL
      SELECT (SELECT e.tenant_id FROM public.webhook_events e WHERE e.due_at IS NOT NULL AND e.tenant_id > t.tenant_id ORDER BY e.tenant_id LIMIT 1) FROM t WHERE t.tenant_id IS NOT NULL
    )
    SELECT t.tenant_id FROM t
     WHERE EXISTS (SELECT FROM public.webhook_events e WHERE e.tenant_id = t.tenant_id AND e.due_at <= now()) LIMIT at_most
  $$;

-- Tenants that hold raw events past their week.
CREATE FUNCTION find_tenants_with_old_events(at_most int) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT DISTINCT e.tenant_id FROM public.webhook_events e
     WHERE e.received_at < now() - interval '7 days' AND (e.payload IS NOT NULL OR e.received_at < now() - interval '30 days') LIMIT at_most
  $$;

-- After a launch has written many rows: until Postgres looks at them by itself it plans as if a tenant had a few hundred, and reads all of them for each.
GRANT MAINTAIN ON "messages" TO parley_queue;
CREATE FUNCTION analyze_messages() RETURNS void
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    ANALYZE public.messages;
  END
  $$;

-- Routing: whose is what a partner names. A route is claimed for the tenant that is set, and only once: whether it is ours now.
CREATE FUNCTION claim_partner_route(source text, external_id text) RETURNS boolean
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    INSERT INTO public.partner_routes AS r (source, external_id, owner_tenant_id)
    VALUES (claim_partner_route.source, claim_partner_route.external_id, nullif(current_setting('app.tenant_id', true), '')::uuid)
    ON CONFLICT (source, external_id) DO UPDATE SET owner_tenant_id = r.owner_tenant_id
    RETURNING r.owner_tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
  $$;
CREATE FUNCTION release_partner_route(source text, external_id text) RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    DELETE FROM public.partner_routes r WHERE r.source = release_partner_route.source AND r.external_id = release_partner_route.external_id
       AND r.owner_tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid
  $$;
CREATE FUNCTION find_partner_routes(source text, external_ids text[]) RETURNS TABLE (external_id text, tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT r.external_id, r.owner_tenant_id FROM public.partner_routes r
     WHERE r.source = find_partner_routes.source AND r.external_id = ANY (external_ids)
  $$;
-- Tenants with credentials that another key than the newest has sealed. `v1.kid.nonce.ciphertext.tag`: the name of a key may hold dots, the rest does not.
CREATE FUNCTION find_tenants_to_reseal(kid text, after uuid, at_most int) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT DISTINCT c.tenant_id FROM public.connections c
     WHERE c.tenant_id > after AND c.token IS NOT NULL AND regexp_replace(c.token, '^v1\.(.*)\.[^.]*\.[^.]*\.[^.]*$', '\1') <> kid
     ORDER BY c.tenant_id LIMIT at_most
  $$;

-- Accounts whose templates have not been compared with Meta's for most of a day.
CREATE FUNCTION find_accounts_to_sync(at_most int) RETURNS TABLE (tenant_id uuid, id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT a.tenant_id, a.id FROM public.whatsapp_accounts a
      JOIN public.connections c ON c.tenant_id = a.tenant_id AND c.id = a.connection_id AND c.status = 'ACTIVE'
     WHERE a.templates_synced_at IS NULL OR a.templates_synced_at < now() - interval '20 hours'
     ORDER BY a.templates_synced_at NULLS FIRST LIMIT at_most
  $$;

-- Events that lead to nobody: kept once.
CREATE FUNCTION store_unrouted_events(source text, keys text[], external_ids text[], payloads text[]) RETURNS void
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    INSERT INTO public.unrouted_events (source, key, external_id, payload)
    SELECT DISTINCT ON (e.key) store_unrouted_events.source, e.key, e.external_id, e.payload
      FROM unnest(keys, external_ids, payloads) AS e(key, external_id, payload)
    ON CONFLICT DO NOTHING
  $$;
CREATE FUNCTION purge_unrouted_events(at_most int) RETURNS int
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    WITH gone AS (
      DELETE FROM public.unrouted_events WHERE (source, key) IN
        (SELECT u.source, u.key FROM public.unrouted_events u WHERE u.received_at < now() - interval '7 days' ORDER BY u.received_at LIMIT at_most)
      RETURNING 1
    )
    SELECT count(*)::int FROM gone
  $$;

-- Takes places in a portfolio's rolling 24 hours; answers with those who have one. One reservation at a time, so that the limit is reached and never passed.
-- A person who has a place already costs no other one, and holds it for another 24 hours.
CREATE FUNCTION reserve_portfolio_people(portfolio text, at_most int, people text[]) RETURNS TABLE (person text)
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    its_salt bytea;
    room int;
  BEGIN
    INSERT INTO public.whatsapp_portfolios (portfolio_id) VALUES (portfolio) ON CONFLICT DO NOTHING;
    SELECT p.salt INTO its_salt FROM public.whatsapp_portfolios p WHERE p.portfolio_id = portfolio FOR UPDATE;
    DELETE FROM public.whatsapp_portfolio_people w WHERE w.portfolio_id = portfolio AND w.sent_at <= now() - interval '24 hours';
    room := at_most - (SELECT count(*) FROM public.whatsapp_portfolio_people w WHERE w.portfolio_id = portfolio);
    RETURN QUERY
      WITH wanted AS (
        SELECT p.value, sha256(its_salt || convert_to(p.value, 'UTF8')) AS hash, min(p.at) AS at FROM unnest(people) WITH ORDINALITY AS p(value, at) GROUP BY 1, 2
      ), known AS (
        SELECT w.value, w.hash, w.at, EXISTS (SELECT FROM public.whatsapp_portfolio_people x WHERE x.portfolio_id = portfolio AND x.person_hash = w.hash) AS held FROM wanted w
      ), ranked AS (
        SELECT k.value, k.hash, k.held, row_number() OVER (PARTITION BY k.held ORDER BY k.at) AS place FROM known k
      ), granted AS (
        SELECT r.value, r.hash FROM ranked r WHERE r.held OR r.place <= room
      ), written AS (
        INSERT INTO public.whatsapp_portfolio_people AS w (portfolio_id, person_hash, sent_at) SELECT portfolio, g.hash, now() FROM granted g
        ON CONFLICT (portfolio_id, person_hash) DO UPDATE SET sent_at = excluded.sent_at
      )
      SELECT g.value FROM granted g;
  END
  $$;
-- How much of a portfolio's rolling 24 hours is taken, and when the next place frees.
CREATE FUNCTION portfolio_use(portfolio text) RETURNS TABLE (used int, frees_at timestamptz)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT count(*)::int, min(w.sent_at) + interval '24 hours' FROM public.whatsapp_portfolio_people w
     WHERE w.portfolio_id = portfolio AND w.sent_at > now() - interval '24 hours'
  $$;

DO $$
DECLARE
  signature text;
BEGIN
  GRANT CREATE ON SCHEMA public TO parley_finder, parley_queue; -- an owner must be allowed to create; taken back below
  FOREACH signature IN ARRAY ARRAY['find_due_numbers(boolean, int)', 'find_open_campaigns(int)', 'find_tenants_in_doubt(int)', 'find_tenants_with_events(int)',
    'find_tenants_with_old_events(int)', 'find_tenants_to_reseal(text, uuid, int)', 'find_accounts_to_sync(int)',
    'find_silent_numbers(int)'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_app', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO parley_finder', signature);
  END LOOP;
  FOREACH signature IN ARRAY ARRAY['claim_partner_route(text, text)', 'release_partner_route(text, text)', 'find_partner_routes(text, text[])',
    'store_unrouted_events(text, text[], text[], text[])', 'purge_unrouted_events(int)', 'reserve_portfolio_people(text, int, text[])', 'portfolio_use(text)', 'analyze_messages()'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_app', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO parley_queue', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM parley_finder, parley_queue;
END
$$;
