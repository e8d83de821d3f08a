-- AlterTable
ALTER TABLE "campaigns" ADD COLUMN     "assigned_to" UUID;

-- AlterTable
ALTER TABLE "contacts" ADD COLUMN     "assigned_to" UUID;

-- AlterTable
ALTER TABLE "tenants" ADD COLUMN     "mask_for_sellers" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "sellers_see_campaigns" TEXT NOT NULL DEFAULT 'ALL',
ADD COLUMN     "sellers_see_contacts" TEXT NOT NULL DEFAULT 'ALL';

ALTER TABLE "tenants"
  ADD CONSTRAINT "tenants_sellers_see_campaigns_check" CHECK ("sellers_see_campaigns" IN ('ALL', 'ASSIGNED_OR_UNASSIGNED')),
  ADD CONSTRAINT "tenants_sellers_see_contacts_check" CHECK ("sellers_see_contacts" IN ('ALL', 'ASSIGNED_OR_UNASSIGNED'));

-- Only to people of the tenant; whoever leaves it leaves what was theirs to nobody. The tenant's column must stay, which Prisma cannot say.
ALTER TABLE "contacts" ADD CONSTRAINT "contacts_assigned_to_fkey" FOREIGN KEY ("tenant_id", "assigned_to")
  REFERENCES "memberships"("tenant_id", "user_id") ON DELETE SET NULL ("assigned_to") ON UPDATE CASCADE;
ALTER TABLE "campaigns" ADD CONSTRAINT "campaigns_assigned_to_fkey" FOREIGN KEY ("tenant_id", "assigned_to")
  REFERENCES "memberships"("tenant_id", "user_id") ON DELETE SET NULL ("assigned_to") ON UPDATE CASCADE;
CREATE INDEX "contacts_assigned_idx" ON "contacts"("tenant_id", "assigned_to", "created_at", "id") WHERE "assigned_to" IS NOT NULL;
CREATE INDEX "campaigns_assigned_idx" ON "campaigns"("tenant_id", "assigned_to", "created_at", "id") WHERE "assigned_to" IS NOT NULL;

-- A seller's wall: nobody set, no wall. It says `is null` twice, since Postgres can reckon with that: a coalesce is half of the rows to it,
-- whatever they are.
CREATE POLICY seller ON "contacts" AS RESTRICTIVE
  USING (assigned_to IS NULL OR coalesce(assigned_to = (SELECT nullif(current_setting('app.contacts_of', true), '')::uuid), true))
  WITH CHECK (assigned_to IS NULL OR coalesce(assigned_to = (SELECT nullif(current_setting('app.contacts_of', true), '')::uuid), true));
CREATE POLICY seller ON "campaigns" AS RESTRICTIVE
  USING (assigned_to IS NULL OR coalesce(assigned_to = (SELECT nullif(current_setting('app.campaigns_of', true), '')::uuid), true))
  WITH CHECK (assigned_to IS NULL OR coalesce(assigned_to = (SELECT nullif(current_setting('app.campaigns_of', true), '')::uuid), true));
