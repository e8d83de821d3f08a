import { Prisma, type Tx } from '../../prisma/client.ts';
import type { FieldProblem } from '../errors.ts';
import type { TemplateParameter } from '../templates/parameters.ts';
import { audienceWhere, type OpenAudience, openAudience, readAudience } from './audience.ts';
import { compileVariables, storedVariables, unfilled, type Variable } from './variables.ts';

const { sql } = Prisma;

/** All that decides who gets a message of a campaign, and what is in it. */
export type Plan = {
  tenantId: string;
  campaignId: string;
  numberId: string;
  templateVersionId: string;
  /** The template's category as it is now, not as it was pinned: it decides which consent is needed. */
  category: string;
  parameters: TemplateParameter[];
  variables: Variable[];
  audience: OpenAudience;
  validUntil: Date | null;
  /** What keeps it from being launched. */
  problems: FieldProblem[];
};

/** Reads a campaign's plan as it is now; undefined when there is no such campaign. */
export async function loadPlan(tx: Tx, tenantId: string, campaignId: string): Promise<Plan | undefined> {
  const row = await tx.campaign.findUnique({
    where: { tenantId_id: { tenantId, id: campaignId } },
    include: { templateVersion: { include: { template: { select: { category: true } } } } },
  });
  if (!row) return undefined;
  const parameters = row.templateVersion.parameters as unknown as TemplateParameter[];
  const variables = storedVariables(row.variables);
  const audience = await openAudience(tx, tenantId, readAudience(row.audience));
  return {
    tenantId,
    campaignId,
    numberId: row.numberId,
    templateVersionId: row.templateVersionId,
    category: row.templateVersion.template.category,
    parameters,
    variables,
    audience,
    validUntil: row.validUntil,
    problems: [
      ...audience.problems,
      ...unfilled(parameters, variables).map((key) => ({
        path: 'variables',
        message: `Nothing fills the template’s parameter ${key}.`,
      })),
      ...(await missingFields(tx, tenantId, variables)),
    ],
  };
}

/** Variables whose custom field was deleted since. */
async function missingFields(tx: Tx, tenantId: string, variables: readonly Variable[]): Promise<FieldProblem[]> {
  const keys = variables.flatMap(({ customField }) => (customField === undefined ? [] : [customField]));
  if (keys.length === 0) return [];
  const rows = await tx.customField.findMany({
    where: { tenantId, key: { in: keys }, deletedAt: null },
    select: { key: true },
  });
  const known = new Set(rows.map(({ key }) => key));
  return variables.flatMap(({ customField }, index) =>
    customField === undefined || known.has(customField)
      ? []
      : [{ path: `variables.${index}.customField`, message: 'There is no custom field with this key.' }],
  );
}

/** One-tap and copy-code templates go to phone numbers only (reference: whatsapp-cloud-api, section 10). */
function addressKinds({ category, parameters }: Plan): string[] {
  const needsPhone = category === 'AUTHENTICATION' || parameters.some(({ kind }) => kind === 'OTP');
  return needsPhone ? ['PHONE'] : ['PHONE', 'WHATSAPP_USER_ID'];
}

/**
 * The recipients of a campaign as a SELECT: contact_id, address, parameters, and the reason for which somebody of the audience gets nothing.
 * Launching and its preview are this same statement, so that they agree. No two of them share an address: an identity belongs to one
 * contact. `lock` holds the contacts until the transaction ends: who is being deleted at this moment is waited for, and left out.
 */
export function recipientsOf(plan: Plan, { lock }: { lock: boolean }): Prisma.Sql {
  const { tenantId, category, parameters, variables, audience } = plan;
  const isMarketing = category === 'MARKETING';
  const noConsent = isMarketing ? sql`when s.granted is null then 'NO_CONSENT'` : sql``;
  const reason = sql`case when c.blocked_at is not null then 'BLOCKED' when a.value is null then 'NO_IDENTITY' when not s.granted then 'OPTED_OUT' ${noConsent} end`;
  return sql`
    select p.contact_id, p.address, case when p.reason is null and array_position(p.parameters, null) is null then p.parameters else '{}' end as parameters,
      coalesce(p.reason, case when array_position(p.parameters, null) is not null then 'MISSING_VARIABLE' end) as reason
    from (
      select c.id as contact_id, a.value as address, ${compileVariables(parameters, variables)} as parameters, ${reason} as reason
      from contacts c
      left join (
        select distinct on (i.contact_id) i.contact_id, i.kind, i.value from contact_identities i
         where i.tenant_id = ${tenantId}::uuid and i.kind = any(${addressKinds(plan)}::text[])
         order by i.contact_id, i.kind collate "C", i.created_at, i.id) a on a.contact_id = c.id
      left join contact_consents s on s.tenant_id = ${tenantId}::uuid and s.contact_id = c.id
        and s.purpose = ${isMarketing ? 'MARKETING' : 'SERVICE'}::text and s.channel = 'WHATSAPP'
      where ${audienceWhere(tenantId, audience)}
      ${lock ? sql`for key share of c` : sql`offset 0`}
    ) p`;
}

/**
 * Before `recipientsOf` in a transaction: it joins whole tables, and statistics that lag behind an import make Postgres expect a handful of
 * rows and go through them in nested loops, which never end.
 */
export async function planForMany(tx: Tx): Promise<void> {
  await tx.$queryRaw`select set_config('enable_nestloop', 'off', true)`;
}

/** And after it, where the transaction does something else. */
export async function planAsUsual(tx: Tx): Promise<void> {
  await tx.$queryRaw`select set_config('enable_nestloop', 'on', true)`;
}
