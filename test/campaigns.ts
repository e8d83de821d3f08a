import { randomBytes } from 'node:crypto';
import type { Audience } from '../domain/campaigns/audience.ts';
import type { Variable } from '../domain/campaigns/variables.ts';
import type { TemplateParameter } from '../domain/templates/parameters.ts';
import { type Db, inTenant, type Prisma, type Tx } from '../prisma/client.ts';

export type Sender = {
  connectionId: string;
  accountId: string;
  numberId: string;
  templateId: string;
  versionId: string;
};

export const bodyParameter = (index: number): TemplateParameter => ({
  key: `body.${index + 1}`,
  component: 'BODY',
  index,
  name: null,
  kind: 'TEXT',
  example: 'Ana',
});

/** A connected account with a number and an approved template, written straight into the tables. */
export function makeSender(
  db: Db,
  tenantId: string,
  { category = 'MARKETING', parameters = [] }: { category?: string; parameters?: TemplateParameter[] } = {},
): Promise<Sender> {
  const unique = randomBytes(6).toString('hex');
  return inTenant(db, tenantId, async (tx) => {
    const { id: connectionId } = await tx.connection.create({
      data: { tenantId, partner: 'WHATSAPP', externalId: unique, token: 'sealed' },
    });
    const { id: accountId } = await tx.whatsAppAccount.create({
      data: { tenantId, connectionId, wabaId: unique, portfolioId: unique },
    });
    const { id: numberId } = await tx.whatsAppNumber.create({
      data: {
        tenantId,
        accountId,
        phoneNumberId: unique,
        displayNumber: '+55 11 4000-0000',
        status: 'CONNECTED',
        isRegistered: true,
      },
    });
    await tx.numberPace.create({ data: { tenantId, numberId } });
    const { id: templateId } = await tx.template.create({
      data: { tenantId, accountId, name: `welcome_${unique}`, language: 'pt_BR', category, status: 'APPROVED' },
    });
    const versionId = await addVersion(tx, tenantId, templateId, parameters);
    return { connectionId, accountId, numberId, templateId, versionId };
  });
}

/** What a template says from now on. */
export async function addVersion(
  tx: Tx,
  tenantId: string,
  templateId: string,
  parameters: TemplateParameter[],
): Promise<string> {
  const { id } = await tx.templateVersion.create({
    data: {
      tenantId,
      templateId,
      components: [{ type: 'BODY', text: 'Hello' }],
      parameters,
      contentHash: randomBytes(32),
    },
  });
  await tx.template.update({ where: { tenantId_id: { tenantId, id: templateId } }, data: { versionId: id } });
  return id;
}

type Given = Partial<Omit<Prisma.CampaignUncheckedCreateInput, 'audience' | 'variables'>> & {
  audience?: Partial<Audience>;
  variables?: Variable[];
};

/** A campaign from this sender, written straight into the table. */
export async function makeCampaign(
  db: Db,
  tenantId: string,
  { numberId, versionId }: Pick<Sender, 'numberId' | 'versionId'>,
  { audience, variables, ...given }: Given = {},
): Promise<string> {
  const everybody: Audience = { segmentIds: [], contactIds: [], excludeSegmentIds: [], excludeContactIds: [] };
  const { id } = await inTenant(db, tenantId, (tx) =>
    tx.campaign.create({
      data: {
        tenantId,
        name: 'Campaign',
        numberId,
        templateVersionId: versionId,
        ...given,
        audience: { ...everybody, ...audience },
        variables: variables ?? [],
      },
    }),
  );
  return id;
}

/** A segment of everybody, or of whom the filter means. */
export async function makeSegment(
  db: Db,
  tenantId: string,
  filter: object = { or: [{ blocked: false }, { blocked: true }] },
): Promise<string> {
  const name = randomBytes(6).toString('hex');
  const { id } = await inTenant(db, tenantId, (tx) =>
    tx.segment.create({ data: { tenantId, name, nameKey: name, filter } }),
  );
  return id;
}

/** So many contacts, each with a phone and a grant of marketing; set-based. Their names are `Person 1` and so on. */
export async function makePeople(db: Db, tenantId: string, count: number): Promise<void> {
  await inTenant(
    db,
    tenantId,
    (tx) => tx.$executeRaw`
      with people as (
        insert into contacts (tenant_id, name, city) select ${tenantId}::uuid, 'Person ' || i, 'City ' || i % 100 from generate_series(1, ${count}::int) i returning id, name
      ), phones as (
        insert into contact_identities (tenant_id, contact_id, kind, value, match_key)
        select ${tenantId}::uuid, id, 'PHONE', '+5511' || (900000000 + substr(name, 8)::int), '5511' || (900000000 + substr(name, 8)::int) from people
      )
      insert into contact_consents (tenant_id, contact_id, purpose, channel, granted, source, given_at, recorded_at)
      select ${tenantId}::uuid, id, 'MARKETING', 'WHATSAPP', true, 'IMPORT', now(), now() from people`,
    { timeoutMs: 60_000 },
  );
}

type Person = {
  name?: string;
  phone?: string;
  bsuid?: string;
  marketing?: boolean | null;
  service?: boolean;
} & Partial<Prisma.ContactUncheckedCreateInput>;
let phones = 0;

/** A contact with a phone of its own and a grant of marketing, unless said otherwise. */
export function makePerson(db: Db, tenantId: string, given: Person = {}): Promise<string> {
  const {
    phone = `+551188${String((phones += 1)).padStart(7, '0')}`,
    bsuid,
    marketing = true,
    service,
    ...contact
  } = given;
  return inTenant(db, tenantId, async (tx) => {
    const { id: contactId } = await tx.contact.create({ data: { ...contact, tenantId } });
    const identities = [
      ...(phone === '' ? [] : [{ kind: 'PHONE', value: phone, matchKey: phone }]),
      ...(bsuid ? [{ kind: 'WHATSAPP_USER_ID', value: bsuid, matchKey: bsuid }] : []),
    ];
    await tx.contactIdentity.createMany({ data: identities.map((identity) => ({ ...identity, tenantId, contactId })) });
    const consents = [
      ...(marketing === null ? [] : [{ purpose: 'MARKETING', granted: marketing }]),
      ...(service === undefined ? [] : [{ purpose: 'SERVICE', granted: service }]),
    ];
    const now = new Date();
    await tx.contactConsent.createMany({
      data: consents.map((consent) => ({
        ...consent,
        tenantId,
        contactId,
        channel: 'WHATSAPP',
        source: 'PERSON',
        givenAt: now,
        recordedAt: now,
      })),
    });
    return contactId;
  });
}

export const settings = {
  campaignLaunchLeaseMs: 3_000,
  campaignLaunchTimeoutMs: 60_000,
  campaignLaunchAttemptsMax: 3,
  campaignStalledAfterMs: 60_000,
};

export const campaignOf = (db: Db, tenantId: string, id: string) =>
  inTenant(db, tenantId, (tx) => tx.campaign.findUniqueOrThrow({ where: { tenantId_id: { tenantId, id } } }));

export const messagesOf = (db: Db, tenantId: string, campaignId: string) =>
  inTenant(db, tenantId, (tx) => tx.message.findMany({ where: { tenantId, campaignId }, orderBy: { id: 'asc' } }));
