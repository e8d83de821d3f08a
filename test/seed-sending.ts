import { createHash, randomBytes } from 'node:crypto';
import type { Keyring } from '../domain/connections/keyring.ts';
import { seal } from '../domain/connections/seal.ts';
import { parametersOf } from '../domain/templates/parameters.ts';
import { type Db, inTenant } from '../prisma/client.ts';
import type { NumberCredentials } from '../simulators/meta/control.ts';

/** A number that is connected, as the rows say: for tests of what comes after connecting. */
export type TestNumber = NumberCredentials & { tenantId: string; id: string; accountId: string; connectionId: string };

export type NumberRow = { throughput: number; messagingLimit: number | null; keyring: Keyring };

/** The rows that `whatsAppConnect` leaves, for a number that the simulator has. */
export async function storeNumber(
  db: Db,
  tenantId: string,
  number: NumberCredentials,
  { throughput, messagingLimit, keyring }: NumberRow,
): Promise<TestNumber> {
  return inTenant(db, tenantId, async (tx) => {
    const { id: connectionId } = await tx.connection.create({
      data: { tenantId, partner: 'WHATSAPP', externalId: number.wabaId },
      select: { id: true },
    });
    const token = seal(
      keyring,
      { table: 'connections', column: 'token', tenantId, rowId: connectionId },
      number.accessToken,
    );
    await tx.connection.update({
      where: { tenantId_id: { tenantId, id: connectionId } },
      data: { token },
      select: { id: true },
    });
    const { id: accountId } = await tx.whatsAppAccount.create({
      data: { tenantId, connectionId, wabaId: number.wabaId, portfolioId: number.businessId },
      select: { id: true },
    });
    const { phoneNumberId, displayNumber } = number;
    const { id } = await tx.whatsAppNumber.create({
      data: {
        tenantId,
        accountId,
        phoneNumberId,
        displayNumber,
        throughput,
        messagingLimit,
        status: 'CONNECTED',
        isRegistered: true,
      },
      select: { id: true },
    });
    await tx.numberPace.create({ data: { tenantId, numberId: id }, select: { numberId: true } });
    await tx.$executeRaw`select claim_partner_route('META_NUMBER', ${phoneNumberId}), claim_partner_route('META_WABA', ${number.wabaId})`;
    return { ...number, tenantId, id, accountId, connectionId };
  });
}

export type TestTemplate = { id: string; versionId: string; metaId: string; name: string };

export const newTemplate = (category: 'MARKETING' | 'UTILITY') => {
  const name = `news_${randomBytes(5).toString('hex')}`;
  const components = [{ type: 'BODY', text: `Hello {{1}}, this is ${name}.`, example: { body_text: [['Ana']] } }];
  return { name, language: 'en', category, components };
};

/** An approved template, as Meta has it under `metaId`. */
export async function storeTemplate(
  db: Db,
  { tenantId, accountId }: TestNumber,
  { name, category, components }: ReturnType<typeof newTemplate>,
  metaId: string,
): Promise<TestTemplate> {
  return inTenant(db, tenantId, async (tx) => {
    const { id } = await tx.template.create({
      data: { tenantId, accountId, name, language: 'en', category, metaId, status: 'APPROVED' },
      select: { id: true },
    });
    const { id: versionId } = await tx.templateVersion.create({
      data: {
        tenantId,
        templateId: id,
        components,
        parameters: parametersOf('POSITIONAL', components),
        contentHash: createHash('sha256').update(JSON.stringify(components)).digest(),
      },
      select: { id: true },
    });
    await tx.template.update({ where: { tenantId_id: { tenantId, id } }, data: { versionId }, select: { id: true } });
    return { id, versionId, metaId, name };
  });
}

type CampaignOptions = {
  people: number;
  /** Where the phones begin, so that two campaigns meet different people. */
  from?: number;
  /** The last digits of the phones, by place: the simulator's magic numbers. */
  endings?: readonly string[];
  consented?: boolean;
  status?: 'RUNNING' | 'PAUSED';
};

/** Several statements of thousands each, none of which runs into the database's limit of time. */
const peoplePerStatement = 20_000;

/** A campaign that runs: its people, and a message for each. */
export async function runCampaign(
  db: Db,
  number: TestNumber,
  template: TestTemplate,
  { people, from = 0, endings = [], consented = true, status = 'RUNNING' }: CampaignOptions,
): Promise<{ id: string }> {
  const { tenantId } = number;
  return inTenant(
    db,
    tenantId,
    async (tx) => {
      const { id } = await tx.campaign.create({
        data: {
          tenantId,
          name: template.name,
          numberId: number.id,
          templateVersionId: template.versionId,
          status,
          audience: {},
          launchedAt: new Date(),
          startedAt: new Date(),
        },
        select: { id: true },
      });
      for (let first = 1; first <= people; first += peoplePerStatement) {
        const last = Math.min(people, first + peoplePerStatement - 1);
        await tx.$executeRaw`
          with people as (
            insert into contacts (tenant_id, name, external_id)
            select ${tenantId}::uuid, 'Person ' || n, ${id} || '-' || n from generate_series(${first}::int, ${last}::int) n returning id, name, external_id
          ), phones as (
            insert into contact_identities (tenant_id, contact_id, kind, value, match_key)
            select ${tenantId}::uuid, p.id, 'PHONE', phone, phone from people p
            cross join lateral (select split_part(p.name, ' ', 2)::int as n) at
            cross join lateral (select '+5511' || case when n <= cardinality(${endings}::text[]) then lpad((${from}::int + n)::text, 3, '7') || (${endings}::text[])[n] else (900500000 + ${from}::int + n)::text end as phone) known
            returning contact_id, value
          ), consents as (
            insert into contact_consents (tenant_id, contact_id, purpose, channel, granted, source, given_at, recorded_at)
            select ${tenantId}::uuid, id, 'MARKETING', 'WHATSAPP', true, 'API', now(), now() from people where ${consented}
          )
          insert into messages (tenant_id, direction, number_id, contact_id, campaign_id, template_version_id, type, category, address, parameters, status, due_at)
          select ${tenantId}::uuid, 'OUTBOUND', ${number.id}::uuid, i.contact_id, ${id}::uuid, ${template.versionId}::uuid, 'TEMPLATE', t.category, i.value, array[p.name], 'QUEUED', now()
            from phones i join people p on p.id = i.contact_id, templates t where t.tenant_id = ${tenantId}::uuid and t.id = ${template.id}::uuid`;
      }
      if (people >= 1_000) await tx.$executeRaw`select analyze_messages()`; // as a launch does
      return { id };
    },
    { timeoutMs: 60_000 },
  );
}

/** How many messages stand where. */
export async function statuses(db: Db, tenantId: string, campaignId?: string): Promise<Record<string, number>> {
  const rows = await inTenant(db, tenantId, (tx) =>
    tx.message.groupBy({ by: ['status'], where: { tenantId, ...(campaignId ? { campaignId } : {}) }, _count: true }),
  );
  return Object.fromEntries(rows.map(({ status, _count }) => [status, _count]));
}
