import type { Tx } from '../../prisma/client.ts';
import { type Answerable, recordAudit } from '../audit/record-audit.ts';
import { checkText } from '../contacts/text.ts';
import { ConflictError, type FieldProblem, IllegalTransitionError, problems } from '../errors.ts';
import { readParameters, type TemplateParameter, unsendablePart } from '../templates/parameters.ts';
import { type Audience, checkAudience } from './audience.ts';
import { holdCampaign } from './transitions.ts';
import { readVariables, type Variable, type VariableInput } from './variables.ts';

export const campaignNameLengthMax = 200;

type AudienceInput = { [List in keyof Audience]?: string[] | null | undefined };

export type CampaignInput = {
  name: string;
  templateId: string;
  numberId: string;
  audience: AudienceInput;
  variables?: VariableInput[] | null | undefined;
  scheduledAt?: Date | null | undefined;
  validUntil?: Date | null | undefined;
};

/** Makes a draft. It pins what the template says now; variables may still be incomplete. */
export async function createCampaign(
  tx: Tx,
  tenantId: string,
  input: CampaignInput,
  { createdBy, now }: { createdBy: string; now: Date },
): Promise<{ id: string }> {
  const found = problems();
  const name = readName(input.name, found.add);
  const scheduledAt = input.scheduledAt ?? null;
  const validUntil = input.validUntil ?? null;
  checkTimes(scheduledAt, validUntil, now, found.add);
  const version = await pin(tx, tenantId, input.templateId, found.add);
  await checkNumber(tx, tenantId, input.numberId, version, found.add);
  const variables = version
    ? await checkVariables(tx, tenantId, input.variables ?? [], version.parameters, found.add)
    : [];
  found.throwIfAny();
  if (!version) throw new Error('A template that is not there was not refused.');
  const audience = await checkAudience(tx, tenantId, input.audience);
  return tx.campaign.create({
    data: {
      tenantId,
      name,
      numberId: input.numberId,
      templateVersionId: version.id,
      audience,
      variables,
      scheduledAt,
      validUntil,
      createdBy,
    },
    select: { id: true },
  });
}

export type CampaignChange = { [Field in keyof CampaignInput]?: CampaignInput[Field] | null | undefined };

/** Changes a draft; what is left out stays. Naming the template pins what it says now, and needs variables that fit. */
export async function updateCampaign(
  tx: Tx,
  tenantId: string,
  campaignId: string,
  change: CampaignChange,
  now: Date,
): Promise<{ id: string }> {
  const held = await holdCampaign(tx, tenantId, campaignId);
  if (held.status !== 'DRAFT') throw new IllegalTransitionError(held.status, 'DRAFT');
  const found = problems();
  const name = typeof change.name === 'string' ? readName(change.name, found.add) : undefined;
  const scheduledAt = change.scheduledAt === undefined ? held.scheduledAt : change.scheduledAt;
  const validUntil = change.validUntil === undefined ? held.validUntil : change.validUntil;
  if (change.scheduledAt !== undefined || change.validUntil !== undefined) {
    checkTimes(scheduledAt, validUntil, now, found.add);
  }
  const version = change.templateId
    ? await pin(tx, tenantId, change.templateId, found.add)
    : await readVersion(tx, tenantId, held.templateVersionId);
  const numberId = change.numberId ?? held.numberId;
  if (change.numberId || change.templateId) await checkNumber(tx, tenantId, numberId, version, found.add);
  const givenVariables =
    change.variables ?? (change.templateId ? await ownVariables(tx, tenantId, campaignId) : undefined);
  const variables =
    version && givenVariables
      ? await checkVariables(tx, tenantId, givenVariables, version.parameters, found.add)
      : undefined;
  found.throwIfAny();
  const audience = change.audience ? await checkAudience(tx, tenantId, change.audience) : undefined;
  return tx.campaign.update({
    where: { tenantId_id: { tenantId, id: campaignId } },
    data: {
      ...(name === undefined ? {} : { name }),
      ...(version ? { templateVersionId: version.id } : {}),
      ...(audience ? { audience } : {}),
      ...(variables ? { variables } : {}),
      numberId,
      scheduledAt,
      validUntil,
      updatedAt: now,
    },
    select: { id: true },
  });
}

/** Deletes a draft. What was launched stays as evidence of what was sent. */
export async function deleteCampaign(tx: Tx, by: Answerable, campaignId: string): Promise<{ id: string }> {
  const { tenantId } = by;
  const { status } = await holdCampaign(tx, tenantId, campaignId);
  if (status !== 'DRAFT')
    throw new ConflictError(`Only a DRAFT can be deleted; this one is ${status}.`, { path: 'campaignId' });
  const { name } = await tx.campaign.delete({
    where: { tenantId_id: { tenantId, id: campaignId } },
    select: { name: true },
  });
  await recordAudit(tx, by, {
    action: 'campaign.delete',
    target: { type: 'Campaign', id: campaignId },
    before: { name, status },
  });
  return { id: campaignId };
}

type Add = (path: string, message: string) => void;

function readName(raw: string, add: Add): string {
  const { value, problem } = checkText(raw, campaignNameLengthMax);
  if (!value) add('name', problem ? `${problem.message} Expected ${problem.expected}.` : 'Expected a name.');
  return value ?? '';
}

function checkTimes(scheduledAt: Date | null, validUntil: Date | null, now: Date, add: Add): void {
  if (validUntil !== null && validUntil <= (scheduledAt !== null && scheduledAt > now ? scheduledAt : now)) {
    add('validUntil', 'Expected a time after the launch.');
  }
}

type Version = { id: string; accountId: string; parameters: TemplateParameter[] };

/** What a template says now; it must be something that can be sent from a campaign. */
async function pin(tx: Tx, tenantId: string, templateId: string, add: Add): Promise<Version | undefined> {
  const template = await tx.template.findFirst({
    where: { tenantId, id: templateId, deletedAt: null },
    select: { versionId: true },
  });
  const version = template?.versionId ? await readVersion(tx, tenantId, template.versionId, add) : undefined;
  if (!version) add('templateId', 'There is no such template.');
  return version;
}

async function readVersion(tx: Tx, tenantId: string, versionId: string, add?: Add): Promise<Version | undefined> {
  const version = await tx.templateVersion.findUnique({
    where: { tenantId_id: { tenantId, id: versionId } },
    select: { id: true, parameters: true, components: true, template: { select: { accountId: true } } },
  });
  if (!version) return undefined;
  const part = unsendablePart(version.components);
  if (part !== null) add?.('templateId', `A template with ${part} cannot be sent in a campaign.`);
  return { id: version.id, accountId: version.template.accountId, parameters: readParameters(version.parameters) };
}

async function checkNumber(
  tx: Tx,
  tenantId: string,
  numberId: string,
  version: Version | undefined,
  add: Add,
): Promise<void> {
  const number = await tx.whatsAppNumber.findUnique({
    where: { tenantId_id: { tenantId, id: numberId } },
    select: { accountId: true },
  });
  if (!number) add('numberId', 'There is no such number.');
  else if (version && number.accountId !== version.accountId) {
    add('numberId', 'Expected a number of the WhatsApp account that the template belongs to.');
  }
}

async function checkVariables(
  tx: Tx,
  tenantId: string,
  input: readonly VariableInput[],
  parameters: readonly TemplateParameter[],
  add: Add,
): Promise<Variable[]> {
  const keys = input.flatMap(({ customField }) => (customField ? [customField] : []));
  const fields =
    keys.length > 0
      ? await tx.customField.findMany({
          where: { tenantId, key: { in: keys }, deletedAt: null },
          select: { key: true },
        })
      : [];
  const found: FieldProblem[] = [];
  const variables = readVariables(input, parameters, new Set(fields.map(({ key }) => key)), found);
  for (const { path, message } of found) add(path, message);
  return variables;
}

async function ownVariables(tx: Tx, tenantId: string, campaignId: string): Promise<VariableInput[]> {
  const { variables } = await tx.campaign.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: campaignId } },
    select: { variables: true },
  });
  return variables as VariableInput[];
}
