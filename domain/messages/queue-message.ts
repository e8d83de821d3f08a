import type { Tx } from '../../prisma/client.ts';
import { checkPhone, type Identity } from '../contacts/contact-fields.ts';
import { createContact } from '../contacts/create-contact.ts';
import { identityOrder } from '../contacts/identities.ts';
import { CannotSendError, ConflictError, InvalidInputError, NotFoundError, problems } from '../errors.ts';
import { enqueue } from '../jobs.ts';
import { readParameters, type TemplateParameter } from '../templates/parameters.ts';
import { type Reason, reasons } from './failures.ts';
import { sendSingle } from './jobs.ts';

export type SingleMessage = {
  numberId: string;
  /** The contact, or … */
  contactId?: string | null | undefined;
  /** … whom to write to: a phone as people write it, or a business-scoped user id. Becomes a contact when nobody is known by it. */
  to?: string | null | undefined;
  template?:
    | { templateId: string; variables?: readonly { parameter: string; value: string }[] | null | undefined }
    | null
    | undefined;
  text?: { body: string; previewUrl?: boolean | null | undefined } | null | undefined;
  validUntil?: Date | null | undefined;
};

/** Characters of a free text (reference: whatsapp-cloud-api, section 2.3). */
const textLengthMax = 4_096;
const valueLengthMax = 1_024;

/**
 * Queues one message of its own; it overtakes every campaign on its number. What would only be refused later is refused here:
 * a closed window, a missing consent, a template that Meta does not approve.
 */
export async function queueMessage(tx: Tx, tenantId: string, input: SingleMessage, now: Date): Promise<{ id: string }> {
  checkShape(input, now);
  const number = await tx.whatsAppNumber.findUnique({
    where: { tenantId_id: { tenantId, id: input.numberId } },
    select: { id: true, accountId: true },
  });
  if (!number) throw new NotFoundError('There is no such number.');
  const contactId = input.contactId
    ? await leadOf(tx, tenantId, input.contactId)
    : await contactOf(tx, tenantId, input.to ?? '', now);
  const template = input.template ? await templateOf(tx, tenantId, number.accountId, input.template) : undefined;
  const address = await addressOf(tx, tenantId, contactId);
  await refuseUnwanted(tx, tenantId, { contactId, numberId: number.id, category: template?.category ?? null }, now);

  const content = input.text && { body: input.text.body, ...(input.text.previewUrl ? { previewUrl: true } : {}) };
  const message = await tx.message.create({
    data: {
      tenantId,
      direction: 'OUTBOUND',
      numberId: number.id,
      contactId,
      type: template ? 'TEMPLATE' : 'TEXT',
      address,
      status: 'QUEUED',
      dueAt: await databaseTime(tx),
      ...(template
        ? { templateVersionId: template.versionId, category: template.category, parameters: template.values }
        : {}),
      ...(content ? { content } : {}),
      validUntil: input.validUntil ?? null,
    },
    select: { id: true },
  });
  await enqueue(tx, sendSingle, { tenantId, numberId: number.id });
  return message;
}

/** What is due is judged by the database's clock: a machine whose own runs ahead must not hold a message back. */
async function databaseTime(tx: Tx): Promise<Date> {
  const [row] = await tx.$queryRaw<{ now: Date }[]>`select now() as now`;
  if (!row) throw new Error('The database does not know the time.');
  return row.now;
}

function checkShape(input: SingleMessage, now: Date): void {
  const found = problems();
  const given = (...values: unknown[]) => values.filter((value) => value !== null && value !== undefined).length;
  if (given(input.contactId, input.to) !== 1) found.add('to', 'Expected either `contactId` or `to`.');
  if (given(input.template, input.text) !== 1) found.add('template', 'Expected either `template` or `text`.');
  if (input.text) {
    const { length } = input.text.body;
    if (input.text.body.trim() === '' || length > textLengthMax) {
      found.add('text.body', `Expected 1 to ${textLengthMax} characters, found ${length}.`);
    }
  }
  if (input.validUntil && input.validUntil <= now) found.add('validUntil', 'Expected a time to come.');
  found.throwIfAny();
}

async function leadOf(tx: Tx, tenantId: string, contactId: string): Promise<string> {
  const contact = await tx.contact.findUnique({
    where: { tenantId_id: { tenantId, id: contactId } },
    select: { id: true, mergedIntoId: true },
  });
  if (!contact || contact.mergedIntoId) throw new NotFoundError('There is no such contact.');
  return contact.id;
}

const userId = /^[A-Z]{2}\.[A-Za-z0-9.]{1,160}$/;

/** Who is known by this phone or user id; somebody new, where nobody is. */
async function contactOf(tx: Tx, tenantId: string, to: string, now: Date): Promise<string> {
  const identity = await identityOf(tx, tenantId, to);
  const { kind, value, matchKey } = identity;
  const find = () =>
    tx.contactIdentity.findFirst({
      where: { tenantId, kind, matchKey, contact: { is: { tenantId } } }, // whom the caller sees
      select: { contactId: true },
    });
  const known = await find();
  if (known) return known.contactId;
  await tx.$executeRaw`savepoint nobody_known`;
  try {
    const created = await createContact(tx, tenantId, { identities: [{ kind, value }] }, now);
    return created.id;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    await tx.$executeRaw`rollback to savepoint nobody_known`; // somebody else made them known in between
    const since = await find();
    if (!since) throw new ConflictError('to: It belongs to another contact.', { path: 'to' });
    return since.contactId;
  }
}

async function identityOf(tx: Tx, tenantId: string, to: string): Promise<Identity> {
  if (userId.test(to)) return { kind: 'WHATSAPP_USER_ID', value: to, matchKey: to };
  const tenant = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { country: true } });
  const { value, problem } = checkPhone(to, tenant.country);
  if (problem || !value) {
    throw new InvalidInputError([{ path: 'to', message: `Expected ${problem?.expected ?? 'a phone number'}.` }]);
  }
  return value;
}

async function addressOf(tx: Tx, tenantId: string, contactId: string): Promise<string> {
  const identities = await tx.contactIdentity.findMany({
    where: { tenantId, contactId, kind: { in: ['PHONE', 'WHATSAPP_USER_ID'] } },
    orderBy: identityOrder,
    select: { kind: true, value: true },
  });
  const found = identities.find(({ kind }) => kind === 'PHONE') ?? identities[0];
  if (!found) throw cannotSend('NO_IDENTITY');
  return found.value;
}

type Template = { versionId: string; category: string; values: string[] };

async function templateOf(
  tx: Tx,
  tenantId: string,
  accountId: string,
  { templateId, variables }: NonNullable<SingleMessage['template']>,
): Promise<Template> {
  const template = await tx.template.findUnique({
    where: { tenantId_id: { tenantId, id: templateId } },
    select: { accountId: true, status: true, category: true, versionId: true, deletedAt: true },
  });
  if (!template || template.deletedAt) throw new NotFoundError('There is no such template.');
  if (template.accountId !== accountId) {
    throw new CannotSendError('OTHER_ACCOUNT', 'The template belongs to another WhatsApp account than the number.');
  }
  if (template.status !== 'APPROVED' || template.versionId === null) {
    throw new CannotSendError('TEMPLATE_NOT_APPROVED', 'Meta does not approve this template now: look at its status.');
  }
  const version = await tx.templateVersion.findUniqueOrThrow({
    where: { tenantId_id: { tenantId, id: template.versionId } },
    select: { id: true, parameters: true },
  });
  const values = valuesFor(readParameters(version.parameters), variables ?? []);
  return { versionId: version.id, category: template.category, values };
}

/** One value for each parameter, in the version's order; says everything that is missing, unknown or too long at once. */
function valuesFor(
  parameters: readonly TemplateParameter[],
  given: readonly { parameter: string; value: string }[],
): string[] {
  const found = problems();
  const known = new Set(parameters.map(({ key }) => key));
  const values = new Map<string, string>();
  for (const [index, { parameter, value }] of given.entries()) {
    const path = `template.variables.${index}`;
    if (!known.has(parameter))
      found.add(`${path}.parameter`, `Expected one of ${[...known].join(', ') || 'none: the template takes none'}.`);
    else if (values.has(parameter)) found.add(`${path}.parameter`, 'Expected each parameter once.');
    if (value.trim() === '' || value.length > valueLengthMax)
      found.add(`${path}.value`, `Expected 1 to ${valueLengthMax} characters.`);
    values.set(parameter, value);
  }
  for (const { key } of parameters)
    if (!values.has(key)) found.add('template.variables', `Expected a value for ${key}.`);
  found.throwIfAny();
  return parameters.map(({ key }) => values.get(key) ?? '');
}

type Wanted = { contactId: string; numberId: string; category: string | null };

/** The same rules as at the moment of sending (pick.ts), said while somebody is there to hear it. */
async function refuseUnwanted(
  tx: Tx,
  tenantId: string,
  { contactId, numberId, category }: Wanted,
  now: Date,
): Promise<void> {
  const purpose = category === 'MARKETING' ? 'MARKETING' : 'SERVICE';
  const [contact, consent, window] = [
    await tx.contact.findUniqueOrThrow({
      where: { tenantId_id: { tenantId, id: contactId } },
      select: { blockedAt: true },
    }),
    await tx.contactConsent.findUnique({
      where: { tenantId_contactId_purpose_channel: { tenantId, contactId, purpose, channel: 'WHATSAPP' } },
      select: { granted: true },
    }),
    await tx.contactWindow.findUnique({
      where: { tenantId_contactId_numberId: { tenantId, contactId, numberId } },
      select: { lastInboundAt: true },
    }),
  ];
  if (contact.blockedAt) throw cannotSend('BLOCKED');
  if (consent?.granted === false) throw cannotSend('OPTED_OUT');
  if (purpose === 'MARKETING' && !consent) throw cannotSend('NO_CONSENT');
  const isOpen = window !== null && now.getTime() - window.lastInboundAt.getTime() < windowMs;
  if (category === null && !isOpen) throw cannotSend('WINDOW_CLOSED');
}

/** Free text leaves only while the window is surely open at Meta too (reference: whatsapp-cloud-api, section 8). */
const windowMs = (23 * 60 + 55) * 60_000;

function cannotSend(reason: Reason): CannotSendError {
  const { title, action } = reasons[reason];
  return new CannotSendError(reason, `${title}. ${action}`);
}
