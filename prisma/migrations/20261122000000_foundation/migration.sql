-- Folds a text for search: no accents, lower case. Immutable, so that a column can be generated from it: the collation is said, not the server's own.
-- Most texts are plain ASCII (as many bytes as characters) and need only the second line: a third of the time over a million rows.
CREATE FUNCTION fold_text(value text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN octet_length(value) = char_length(value) THEN lower(value COLLATE "pg_c_utf8")
    ELSE translate(lower(regexp_replace(normalize(coalesce(value, ''), NFKD), U&'[\0300-\036F]', '', 'g') COLLATE "pg_c_utf8"), 'ı', 'i') END;

-- CreateTable
CREATE TABLE "users" (
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "email_key" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "memberships" (
    "tenant_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "role" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "memberships_pkey" PRIMARY KEY ("tenant_id","user_id")
);

-- CreateTable
CREATE TABLE "sessions" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "user_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "sessions_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "refresh_tokens" (
    "tenant_id" UUID NOT NULL,
    "hash" BYTEA NOT NULL,
    "session_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "refresh_tokens_pkey" PRIMARY KEY ("tenant_id","hash")
);

-- CreateTable
CREATE TABLE "consent_entries" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "contact_id" UUID NOT NULL,
    "purpose" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "granted" BOOLEAN NOT NULL,
    "source" TEXT NOT NULL,
    "proof" TEXT,
    "given_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "consent_entries_pkey" PRIMARY KEY ("tenant_id","contact_id","id")
);

-- CreateTable
CREATE TABLE "contact_consents" (
    "tenant_id" UUID NOT NULL,
    "contact_id" UUID NOT NULL,
    "purpose" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "granted" BOOLEAN NOT NULL,
    "source" TEXT NOT NULL,
    "given_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "contact_consents_pkey" PRIMARY KEY ("tenant_id","contact_id","purpose","channel")
);

-- CreateTable
CREATE TABLE "contact_suppressions" (
    "tenant_id" UUID NOT NULL,
    "hash" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "contact_suppressions_pkey" PRIMARY KEY ("tenant_id","hash")
);

-- CreateTable
CREATE TABLE "contacts" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "name" TEXT,
    -- Where texts are searched by prefix or paged in order the collation is said, so that an index serves both on any server.
    "name_key" TEXT COLLATE "C" NOT NULL GENERATED ALWAYS AS (fold_text("name")) STORED,
    "email" TEXT COLLATE "C",
    "external_id" TEXT COLLATE "C",
    "birth_date" DATE,
    "language" TEXT,
    "street" TEXT,
    "city" TEXT,
    "region" TEXT,
    "postal_code" TEXT,
    "country" TEXT,
    "custom_fields" JSONB NOT NULL DEFAULT '{}',
    "blocked_at" TIMESTAMPTZ(3),
    "merged_into_id" UUID,
    "import_id" UUID,
    "import_line" INTEGER,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "contacts_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "contact_identities" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "contact_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "value" TEXT COLLATE "C" NOT NULL,
    "match_key" TEXT NOT NULL,
    "origin_contact_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "contact_identities_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "tags" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "name" TEXT NOT NULL,
    "name_key" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tags_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "contact_tags" (
    "tenant_id" UUID NOT NULL,
    "contact_id" UUID NOT NULL,
    "tag_id" UUID NOT NULL,
    "origin_contact_id" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "contact_tags_pkey" PRIMARY KEY ("tenant_id","contact_id","tag_id")
);

-- CreateTable
CREATE TABLE "custom_fields" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "key" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "options" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "custom_fields_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "contact_notes" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "contact_id" UUID NOT NULL,
    "origin_contact_id" UUID,
    "author_id" UUID,
    "author_name" TEXT,
    "body" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "contact_notes_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "contact_merges" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "source_id" UUID NOT NULL,
    "target_id" UUID NOT NULL,
    "filled" JSONB NOT NULL DEFAULT '{}',
    "merged_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "undone_at" TIMESTAMPTZ(3),

    CONSTRAINT "contact_merges_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "worker_instances" (
    "pool_id" TEXT NOT NULL,
    "lane" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "beat_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "worker_instances_pkey" PRIMARY KEY ("pool_id")
);

-- CreateTable
CREATE TABLE "dead_jobs" (
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "task" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "job_key" TEXT,
    "attempts" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "queued_at" TIMESTAMPTZ(3) NOT NULL,
    "died_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "replayed_at" TIMESTAMPTZ(3),

    CONSTRAINT "dead_jobs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "uploads" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "file_name" TEXT NOT NULL,
    "content_type" TEXT NOT NULL,
    "byte_size" BIGINT NOT NULL,
    "token_hash" BYTEA NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'WAITING',
    "storage_key" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "created_by" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "received_at" TIMESTAMPTZ(3),

    CONSTRAINT "uploads_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "contact_imports" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "upload_id" UUID NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'PENDING',
    "dry_run" BOOLEAN NOT NULL DEFAULT false,
    "on_conflict" TEXT NOT NULL,
    "default_country" TEXT NOT NULL,
    "mapping" JSONB NOT NULL DEFAULT '[]',
    "consents" JSONB,
    "format" JSONB,
    "total" INTEGER,
    "created" INTEGER NOT NULL DEFAULT 0,
    "updated" INTEGER NOT NULL DEFAULT 0,
    "skipped" INTEGER NOT NULL DEFAULT 0,
    "failed" INTEGER NOT NULL DEFAULT 0,
    "records_done" INTEGER NOT NULL DEFAULT 0,
    "bytes_done" BIGINT NOT NULL DEFAULT 0,
    "lines_done" INTEGER NOT NULL DEFAULT 0,
    "lease_token" UUID,
    "lease_until" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "failure_code" TEXT,
    "failure_message" TEXT,
    "failure_line" INTEGER,
    "created_by" UUID,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "contact_imports_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "contact_import_problems" (
    "tenant_id" UUID NOT NULL,
    "import_id" UUID NOT NULL,
    "record" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "outcome" TEXT NOT NULL,
    "line" INTEGER NOT NULL,
    "column" TEXT,
    "value" TEXT,
    "code" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "expected" TEXT,

    CONSTRAINT "contact_import_problems_pkey" PRIMARY KEY ("tenant_id","import_id","record","position")
);

-- CreateTable
CREATE TABLE "contact_import_rejected" (
    "tenant_id" UUID NOT NULL,
    "import_id" UUID NOT NULL,
    "record" INTEGER NOT NULL,
    "line" INTEGER NOT NULL,
    "error" TEXT NOT NULL,
    "cells" TEXT[],

    CONSTRAINT "contact_import_rejected_pkey" PRIMARY KEY ("tenant_id","import_id","record")
);

-- CreateTable
CREATE TABLE "contact_import_claims" (
    "tenant_id" UUID NOT NULL,
    "import_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "line" INTEGER NOT NULL,

    CONSTRAINT "contact_import_claims_pkey" PRIMARY KEY ("tenant_id","import_id","key")
);

-- CreateTable
CREATE TABLE "segments" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "name" TEXT NOT NULL,
    "name_key" TEXT NOT NULL,
    "filter" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "segments_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "tenants" (
    "id" UUID NOT NULL DEFAULT uuidv7(),
    "name" TEXT NOT NULL,
    "legal_name" TEXT,
    "tax_id" TEXT,
    "registration_id" TEXT,
    "industry" TEXT,
    "company_size" TEXT,
    "phone" TEXT,
    "street" TEXT,
    "city" TEXT,
    "region" TEXT,
    "postal_code" TEXT,
    "country" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "locale" TEXT NOT NULL,
    "suppression_salt" BYTEA NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenants_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "tenant_id" UUID NOT NULL,
    "caller" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "input_hash" BYTEA NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'RUNNING',
    "outcome" JSONB,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("tenant_id","caller","key")
);

-- CreateIndex
CREATE UNIQUE INDEX "users_email_key_key" ON "users"("email_key");

-- CreateIndex
CREATE INDEX "memberships_user_id_idx" ON "memberships"("user_id");

-- CreateIndex
CREATE INDEX "sessions_tenant_id_user_id_idx" ON "sessions"("tenant_id", "user_id");

-- CreateIndex
CREATE INDEX "sessions_user_id_idx" ON "sessions"("user_id");

-- CreateIndex
CREATE INDEX "refresh_tokens_tenant_id_session_id_idx" ON "refresh_tokens"("tenant_id", "session_id");

-- CreateIndex
CREATE INDEX "refresh_tokens_user_id_idx" ON "refresh_tokens"("user_id");

-- CreateIndex
CREATE INDEX "contact_consents_tenant_id_purpose_channel_granted_contact__idx" ON "contact_consents"("tenant_id", "purpose", "channel", "granted", "contact_id");

-- CreateIndex
CREATE INDEX "contacts_tenant_id_created_at_id_idx" ON "contacts"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "contacts_tenant_id_updated_at_id_idx" ON "contacts"("tenant_id", "updated_at", "id");

-- CreateIndex
CREATE INDEX "contacts_tenant_id_name_key_id_idx" ON "contacts"("tenant_id", "name_key", "id");

-- CreateIndex
CREATE INDEX "contacts_tenant_id_email_idx" ON "contacts"("tenant_id", "email");

-- CreateIndex
CREATE UNIQUE INDEX "contacts_tenant_id_external_id_key" ON "contacts"("tenant_id", "external_id");

-- CreateIndex
CREATE INDEX "contact_identities_tenant_id_contact_id_idx" ON "contact_identities"("tenant_id", "contact_id");

-- CreateIndex
CREATE UNIQUE INDEX "contact_identities_tenant_id_kind_value_key" ON "contact_identities"("tenant_id", "kind", "value");

-- CreateIndex
CREATE UNIQUE INDEX "contact_identities_tenant_id_kind_match_key_key" ON "contact_identities"("tenant_id", "kind", "match_key");

-- CreateIndex
CREATE INDEX "tags_tenant_id_created_at_id_idx" ON "tags"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "tags_tenant_id_name_key_key" ON "tags"("tenant_id", "name_key");

-- CreateIndex
CREATE INDEX "contact_tags_tenant_id_tag_id_contact_id_idx" ON "contact_tags"("tenant_id", "tag_id", "contact_id");

-- CreateIndex
CREATE INDEX "custom_fields_tenant_id_created_at_id_idx" ON "custom_fields"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "custom_fields_tenant_id_key_key" ON "custom_fields"("tenant_id", "key");

-- CreateIndex
CREATE INDEX "contact_notes_tenant_id_contact_id_created_at_id_idx" ON "contact_notes"("tenant_id", "contact_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "contact_merges_tenant_id_source_id_idx" ON "contact_merges"("tenant_id", "source_id");

-- CreateIndex
CREATE INDEX "contact_merges_tenant_id_target_id_idx" ON "contact_merges"("tenant_id", "target_id");

-- CreateIndex
CREATE INDEX "worker_instances_beat_at_idx" ON "worker_instances"("beat_at");

-- CreateIndex
CREATE INDEX "dead_jobs_died_at_id_idx" ON "dead_jobs"("died_at", "id");

-- CreateIndex
CREATE INDEX "uploads_tenant_id_expires_at_idx" ON "uploads"("tenant_id", "expires_at");

-- CreateIndex
CREATE INDEX "contact_imports_tenant_id_upload_id_idx" ON "contact_imports"("tenant_id", "upload_id");

-- CreateIndex
CREATE INDEX "contact_imports_tenant_id_created_at_id_idx" ON "contact_imports"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE INDEX "segments_tenant_id_created_at_id_idx" ON "segments"("tenant_id", "created_at", "id");

-- CreateIndex
CREATE UNIQUE INDEX "segments_tenant_id_name_key_key" ON "segments"("tenant_id", "name_key");

-- CreateIndex
CREATE INDEX "idempotency_keys_tenant_id_expires_at_idx" ON "idempotency_keys"("tenant_id", "expires_at");

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "memberships"("tenant_id", "user_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_tenant_id_session_id_fkey" FOREIGN KEY ("tenant_id", "session_id") REFERENCES "sessions"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refresh_tokens" ADD CONSTRAINT "refresh_tokens_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "consent_entries" ADD CONSTRAINT "consent_entries_tenant_id_contact_id_fkey" FOREIGN KEY ("tenant_id", "contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_consents" ADD CONSTRAINT "contact_consents_tenant_id_contact_id_fkey" FOREIGN KEY ("tenant_id", "contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_suppressions" ADD CONSTRAINT "contact_suppressions_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contacts" ADD CONSTRAINT "contacts_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contacts" ADD CONSTRAINT "contacts_tenant_id_merged_into_id_fkey" FOREIGN KEY ("tenant_id", "merged_into_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_identities" ADD CONSTRAINT "contact_identities_tenant_id_contact_id_fkey" FOREIGN KEY ("tenant_id", "contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_identities" ADD CONSTRAINT "contact_identities_tenant_id_origin_contact_id_fkey" FOREIGN KEY ("tenant_id", "origin_contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tags" ADD CONSTRAINT "tags_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_tags" ADD CONSTRAINT "contact_tags_tenant_id_contact_id_fkey" FOREIGN KEY ("tenant_id", "contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_tags" ADD CONSTRAINT "contact_tags_tenant_id_origin_contact_id_fkey" FOREIGN KEY ("tenant_id", "origin_contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_tags" ADD CONSTRAINT "contact_tags_tenant_id_tag_id_fkey" FOREIGN KEY ("tenant_id", "tag_id") REFERENCES "tags"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "custom_fields" ADD CONSTRAINT "custom_fields_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_notes" ADD CONSTRAINT "contact_notes_tenant_id_contact_id_fkey" FOREIGN KEY ("tenant_id", "contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_notes" ADD CONSTRAINT "contact_notes_tenant_id_origin_contact_id_fkey" FOREIGN KEY ("tenant_id", "origin_contact_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_merges" ADD CONSTRAINT "contact_merges_tenant_id_source_id_fkey" FOREIGN KEY ("tenant_id", "source_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_merges" ADD CONSTRAINT "contact_merges_tenant_id_target_id_fkey" FOREIGN KEY ("tenant_id", "target_id") REFERENCES "contacts"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "uploads" ADD CONSTRAINT "uploads_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_imports" ADD CONSTRAINT "contact_imports_tenant_id_upload_id_fkey" FOREIGN KEY ("tenant_id", "upload_id") REFERENCES "uploads"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_import_problems" ADD CONSTRAINT "contact_import_problems_tenant_id_import_id_fkey" FOREIGN KEY ("tenant_id", "import_id") REFERENCES "contact_imports"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_import_rejected" ADD CONSTRAINT "contact_import_rejected_tenant_id_import_id_fkey" FOREIGN KEY ("tenant_id", "import_id") REFERENCES "contact_imports"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "contact_import_claims" ADD CONSTRAINT "contact_import_claims_tenant_id_import_id_fkey" FOREIGN KEY ("tenant_id", "import_id") REFERENCES "contact_imports"("tenant_id", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "segments" ADD CONSTRAINT "segments_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenants"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What Prisma's schema cannot say starts here (the drift test lists it).

-- Only merged rows are looked up by these columns: a partial index spares every other insert.
CREATE INDEX "contacts_merged_into_idx" ON "contacts"("tenant_id", "merged_into_id") WHERE "merged_into_id" IS NOT NULL;
CREATE INDEX "contact_identities_origin_idx" ON "contact_identities"("tenant_id", "origin_contact_id") WHERE "origin_contact_id" IS NOT NULL;
CREATE INDEX "contact_tags_origin_idx" ON "contact_tags"("tenant_id", "origin_contact_id") WHERE "origin_contact_id" IS NOT NULL;
CREATE INDEX "contact_notes_origin_idx" ON "contact_notes"("tenant_id", "origin_contact_id") WHERE "origin_contact_id" IS NOT NULL;
-- An upload is imported once. Dry runs do not count, nor does an import that failed before its first record: nothing came of it.
CREATE UNIQUE INDEX "contact_imports_once_idx" ON "contact_imports"("tenant_id", "upload_id") WHERE NOT "dry_run" AND ("status" <> 'FAILED' OR "total" IS NOT NULL);
-- A job that keeps dying under one key is one entry, until it is replayed.
CREATE UNIQUE INDEX "dead_jobs_open_key_idx" ON "dead_jobs"("job_key") WHERE "replayed_at" IS NULL;
-- What the clock looks for across tenants.
CREATE INDEX "contact_imports_open_idx" ON "contact_imports"("tenant_id", "id") WHERE "status" IN ('PENDING', 'RUNNING');

-- Statuses are text with a CHECK: comparing a Postgres enum is not leakproof, so row-level security would keep it from using an index.
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_role_check" CHECK ("role" IN ('OWNER', 'ADMIN', 'SELLER'));
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_status_check" CHECK ("status" IN ('RUNNING', 'DONE'));
ALTER TABLE "contact_identities" ADD CONSTRAINT "contact_identities_kind_check" CHECK ("kind" IN ('PHONE', 'WHATSAPP_USER_ID', 'USERNAME', 'TIKTOK_SHOP_BUYER', 'MERCADO_LIVRE_BUYER', 'SHOPEE_BUYER'));
ALTER TABLE "custom_fields" ADD CONSTRAINT "custom_fields_type_check" CHECK ("type" IN ('TEXT', 'NUMBER', 'BOOLEAN', 'DATE', 'SELECT'));
ALTER TABLE "contacts" ADD CONSTRAINT "contacts_custom_fields_check" CHECK (jsonb_typeof("custom_fields") = 'object');
ALTER TABLE "contacts" ADD CONSTRAINT "contacts_merged_into_check" CHECK ("merged_into_id" <> "id");
ALTER TABLE "consent_entries" ADD CONSTRAINT "consent_entries_purpose_check" CHECK ("purpose" IN ('MARKETING', 'SERVICE'));
ALTER TABLE "consent_entries" ADD CONSTRAINT "consent_entries_channel_check" CHECK ("channel" IN ('WHATSAPP', 'EMAIL', 'SMS'));
ALTER TABLE "consent_entries" ADD CONSTRAINT "consent_entries_source_check" CHECK ("source" IN ('PERSON', 'OPERATOR', 'API', 'IMPORT', 'MERGE', 'SUPPRESSION'));
ALTER TABLE "contact_consents" ADD CONSTRAINT "contact_consents_purpose_check" CHECK ("purpose" IN ('MARKETING', 'SERVICE'));
ALTER TABLE "contact_consents" ADD CONSTRAINT "contact_consents_channel_check" CHECK ("channel" IN ('WHATSAPP', 'EMAIL', 'SMS'));
ALTER TABLE "contact_consents" ADD CONSTRAINT "contact_consents_source_check" CHECK ("source" IN ('PERSON', 'OPERATOR', 'API', 'IMPORT', 'MERGE', 'SUPPRESSION'));
ALTER TABLE "uploads" ADD CONSTRAINT "uploads_status_check" CHECK ("status" IN ('WAITING', 'RECEIVING', 'RECEIVED'));
ALTER TABLE "contact_imports" ADD CONSTRAINT "contact_imports_status_check" CHECK ("status" IN ('PENDING', 'RUNNING', 'FINISHED', 'CANCELLED', 'FAILED'));
ALTER TABLE "contact_imports" ADD CONSTRAINT "contact_imports_on_conflict_check" CHECK ("on_conflict" IN ('UPDATE', 'SKIP', 'FAIL'));
-- The totals add up at every moment, not only at the end.
ALTER TABLE "contact_imports" ADD CONSTRAINT "contact_imports_totals_check" CHECK ("created" + "updated" + "skipped" + "failed" = "records_done" AND ("total" IS NULL OR "records_done" <= "total"));
ALTER TABLE "contact_import_problems" ADD CONSTRAINT "contact_import_problems_outcome_check" CHECK ("outcome" IN ('FAILED', 'SKIPPED'));

-- Row-level security. The scalar sub-select is evaluated once a statement; `nullif` because the setting is '' and not NULL after its first use on a connection.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['contacts', 'contact_identities', 'tags', 'contact_tags', 'custom_fields', 'contact_notes', 'contact_merges', 'consent_entries',
    'contact_consents', 'contact_suppressions', 'segments', 'uploads', 'contact_imports', 'contact_import_problems', 'contact_import_rejected',
    'contact_import_claims', 'idempotency_keys'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format($policy$CREATE POLICY tenant ON %I USING (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))$policy$, name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_app', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['memberships', 'sessions', 'refresh_tokens'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format($policy$CREATE POLICY person ON %I USING (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)) WITH CHECK (user_id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid))$policy$, name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_app', name);
  END LOOP;
  FOREACH name IN ARRAY ARRAY['worker_instances', 'dead_jobs'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY fleet ON %I TO parley_queue USING (true) WITH CHECK (true)', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO parley_queue', name);
  END LOOP;
END
$$;

ALTER TABLE "tenants" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "tenants" FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON "tenants" USING (id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (id = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON "tenants" TO parley_app;

ALTER TABLE "users" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "users" FORCE ROW LEVEL SECURITY;
CREATE POLICY person ON "users" USING (id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid)) WITH CHECK (id = (SELECT nullif(current_setting('app.user_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON "users" TO parley_app;

-- The ledger of consent is append-only; its rows go with their contact, by the foreign key.
REVOKE UPDATE, DELETE ON "consent_entries" FROM parley_app;
-- For readiness: which migrations are applied.
GRANT SELECT ON "_prisma_migrations" TO parley_app;

-- The approved ways across tenants: named functions that return ids, owned by a role nobody signs in as, which may read just these tables.
CREATE POLICY finder ON "users" FOR SELECT TO parley_finder USING (true);
CREATE POLICY finder ON "memberships" FOR SELECT TO parley_finder USING (true);
CREATE POLICY finder ON "contact_imports" FOR SELECT TO parley_finder USING (true);
CREATE POLICY finder ON "uploads" FOR SELECT TO parley_finder USING (true);
CREATE POLICY finder ON "idempotency_keys" FOR SELECT TO parley_finder USING (true);
GRANT SELECT ON "users", "memberships", "contact_imports", "uploads", "idempotency_keys" TO parley_finder;

-- Who signs in with this address, before anybody is signed in.
CREATE FUNCTION find_sign_in(address_key text) RETURNS TABLE (user_id uuid, password_hash text, tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT u.id, u.password_hash, m.tenant_id
      FROM public.users u LEFT JOIN public.memberships m ON m.user_id = u.id
     WHERE u.email_key = address_key ORDER BY m.created_at, m.tenant_id LIMIT 1
  $$;

-- Imports that nobody works on: waiting, or left behind by a worker whose lease ended.
CREATE FUNCTION find_idle_imports(at_most int) RETURNS TABLE (tenant_id uuid, id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT i.tenant_id, i.id FROM public.contact_imports i
     WHERE i.status IN ('PENDING', 'RUNNING') AND (i.lease_until IS NULL OR i.lease_until < now())
     ORDER BY i.created_at LIMIT at_most
  $$;

-- Tenants that hold rows whose time is over: old uploads, old idempotency keys.
CREATE FUNCTION find_tenants_to_purge(at_most int) RETURNS TABLE (tenant_id uuid)
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
    SELECT u.tenant_id FROM public.uploads u
     WHERE u.expires_at < now() AND (u.lease_until IS NULL OR u.lease_until < now())
       AND (u.storage_key IS NOT NULL OR NOT EXISTS (SELECT FROM public.contact_imports i WHERE i.tenant_id = u.tenant_id AND i.upload_id = u.id))
       AND NOT EXISTS (SELECT FROM public.contact_imports i WHERE i.tenant_id = u.tenant_id AND i.upload_id = u.id AND i.status IN ('PENDING', 'RUNNING'))
    UNION
    SELECT k.tenant_id FROM public.idempotency_keys k WHERE k.expires_at < now()
    LIMIT at_most
  $$;

-- Moves jobs that failed for good out of the queue, in one statement: those that used up their attempts, by failing or by killing their workers.
-- Runs as its caller: the fleet, or enqueue_job below. A job whose key went to a newer one (marked there) is only dropped. What died before under the same key is one entry until it is replayed.
CREATE FUNCTION bury_dead_jobs(only_key text DEFAULT NULL) RETURNS TABLE (dead_task text, dead_reason text, dead_payload jsonb)
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    RETURN QUERY
      WITH gone AS (
        DELETE FROM graphile_worker._private_jobs j USING graphile_worker._private_tasks t
         WHERE t.id = j.task_id AND j.locked_at IS NULL AND j.attempts >= j.max_attempts AND (only_key IS NULL OR j.key = only_key)
        RETURNING t.identifier, j.payload, j.key, j.attempts, j.last_error, j.created_at, coalesce(j.flags ? 'superseded', false) AS superseded
      )
      INSERT INTO public.dead_jobs AS d (task, payload, job_key, attempts, reason, queued_at)
      SELECT g.identifier, g.payload::jsonb, g.key, g.attempts, coalesce(g.last_error, 'Its worker died in every attempt.'), g.created_at
        FROM gone g WHERE NOT g.superseded
      ON CONFLICT (job_key) WHERE replayed_at IS NULL
        DO UPDATE SET payload = excluded.payload, attempts = d.attempts + excluded.attempts, reason = excluded.reason, died_at = excluded.died_at
      RETURNING d.task, d.reason, d.payload;
  END
  $$;

-- The one way to add a job, in the transaction of the rows it is about. Only the role that owns the queue may touch its tables.
-- A job is a wake-up, so of several wishes for one key the earliest counts: graphile-worker's own modes would let a job that sleeps until later
-- swallow a wake-up for now, and would forget how often the job has failed. A job in the pause after a failure is not woken sooner than in 10 s:
-- a stream of wake-ups neither turns it into a hot loop nor waits minutes for it. A running job goes on without the key, and a new one follows it.
CREATE FUNCTION enqueue_job(task text, payload json, job_key text, run_at timestamptz, max_attempts int, priority int) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  DECLARE
    wanted timestamptz := coalesce(run_at, now());
    was timestamptz;
    becomes timestamptz;
    added bigint;
  BEGIN
    FOR try IN 1..20 LOOP
      UPDATE graphile_worker._private_jobs j
         SET payload = enqueue_job.payload, revision = j.revision + 1, updated_at = now(),
             run_at = least(j.run_at, CASE WHEN j.attempts = 0 THEN wanted ELSE greatest(wanted, now() + interval '10 seconds') END)
       WHERE j.key = enqueue_job.job_key AND j.is_available
      RETURNING old.run_at, new.run_at INTO was, becomes;
      IF FOUND THEN
        IF was > now() AND becomes <= now() THEN
          PERFORM pg_notify('jobs:insert', '{"count":1}');
        END IF;
        RETURN;
      END IF;
      UPDATE graphile_worker._private_jobs j SET flags = coalesce(j.flags, '{}') || '{"superseded":true}'
       WHERE j.key = enqueue_job.job_key AND j.locked_at IS NOT NULL;
      PERFORM public.bury_dead_jobs(enqueue_job.job_key);
      SELECT (graphile_worker.add_job(task, enqueue_job.payload, NULL, wanted, enqueue_job.max_attempts, enqueue_job.job_key, enqueue_job.priority)).id INTO added;
      IF added IS NOT NULL THEN
        RETURN;
      END IF; -- another transaction added the job and a worker took it, both since we looked
    END LOOP;
    RAISE EXCEPTION 'The job could not be added: others keep taking it.' USING ERRCODE = 'serialization_failure';
  END
  $$;

-- For readiness: how far the queue's own migrations are.
CREATE FUNCTION queue_revision() RETURNS int
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  BEGIN
    RETURN (SELECT max(id) FROM graphile_worker.migrations);
  EXCEPTION WHEN undefined_table OR invalid_schema_name THEN
    RETURN 0;
  END
  $$;

DO $$
DECLARE
  signature text;
BEGIN
  -- Grants come before the change of owner: afterwards they are no longer ours to give, and Postgres only warns.
  GRANT CREATE ON SCHEMA public TO parley_finder, parley_queue; -- an owner must be allowed to create; taken back below
  FOREACH signature IN ARRAY ARRAY['find_sign_in(text)', 'find_idle_imports(int)', 'find_tenants_to_purge(int)'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_app', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO parley_finder', signature);
  END LOOP;
  FOREACH signature IN ARRAY ARRAY['enqueue_job(text, json, text, timestamptz, int, int)', 'queue_revision()'] LOOP
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', signature);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parley_app, parley_queue', signature);
    EXECUTE format('ALTER FUNCTION %s OWNER TO parley_queue', signature);
  END LOOP;
  REVOKE CREATE ON SCHEMA public FROM parley_finder, parley_queue;
END
$$;
