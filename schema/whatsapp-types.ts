import { blockOf, explainBlock, type ExplainedBlock } from '../domain/connections/blocks.ts';
import { builder } from './builder.ts';
import { amongOwn } from './node.ts';

export const WhatsAppBlock = builder.objectRef<ExplainedBlock>('WhatsAppBlock').implement({
  description: 'Why nothing is sent, and what to do about it. What is queued waits, and goes on when it is over.',
  fields: (t) => ({
    reason: t.exposeString('reason', {
      description: 'For programs: `META_` and Meta’s code, or the name of its event.',
    }),
    title: t.exposeString('title', { description: 'What it is, for people.' }),
    action: t.exposeString('action', { description: 'What to do.' }),
    metaCode: t.exposeInt('metaCode', { nullable: true, description: 'Meta’s code, where it gave one.' }),
    since: t.expose('since', { type: 'DateTime', nullable: true, description: 'Since when.' }),
    until: t.expose('until', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ends by itself; null: when somebody acts.',
    }),
  }),
});

export const WhatsAppAccountStatus = builder.enumType('WhatsAppAccountStatus', {
  description: 'Whether an account can be used.',
  values: {
    ACTIVE: { description: 'Its numbers can send.' },
    BLOCKED: { description: 'Meta lets it send nothing: `blockedReason` says why.' },
    BROKEN: { description: 'The access token no longer opens it: connect it again.' },
    ENDED: { description: 'It no longer exists at Meta.' },
  } as const,
});

export const WhatsAppQuality = builder.enumType('WhatsAppQuality', {
  description: 'What Meta thinks of it, by how people react.',
  values: {
    GREEN: { description: 'High.' },
    YELLOW: { description: 'Medium: people block or report some of the messages.' },
    RED: { description: 'Low: it will be restricted soon.' },
    UNKNOWN: { description: 'Not rated yet.' },
  } as const,
});

type Quality = 'GREEN' | 'YELLOW' | 'RED' | 'UNKNOWN';

/** What a row keeps of it, as the API shows it. */
export function toQuality(quality: string): Quality {
  return quality === 'GREEN' || quality === 'YELLOW' || quality === 'RED' ? quality : 'UNKNOWN';
}

const numberStatuses = {
  CONNECTED: { description: 'It can send.' },
  PENDING: { description: 'It is not registered yet: connect it with its PIN.' },
  DISCONNECTED: { description: 'It was taken off the platform.' },
  FLAGGED: { description: 'Its quality is low.' },
  RESTRICTED: { description: 'Meta has restricted it.' },
  BANNED: { description: 'Meta has banned it.' },
  DELETED: { description: 'It is no longer in the account.' },
  MIGRATED: { description: 'It was moved to another account.' },
  RATE_LIMITED: { description: 'It has used up its limit.' },
  UNVERIFIED: { description: 'It must be verified at Meta first.' },
  UNKNOWN: { description: 'Meta said something that is not known here.' },
} as const;

export const WhatsAppNumberStatus = builder.enumType('WhatsAppNumberStatus', {
  description: 'Where a number stands at Meta. Only a CONNECTED one sends.',
  values: numberStatuses,
});

export const WhatsAppNumber = builder.prismaNode('WhatsAppNumber', {
  description: 'A phone number that sends and receives on WhatsApp.',
  authScopes: { may: 'whatsapp.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    account: t.relation('account', { description: 'The account that it belongs to.' }),
    phoneNumberId: t.exposeString('phoneNumberId', { description: 'Meta’s id of it.' }),
    displayNumber: t.exposeString('displayNumber', { description: 'As Meta shows it.' }),
    verifiedName: t.exposeString('verifiedName', { nullable: true, description: 'The name that people see.' }),
    nameStatus: t.exposeString('nameStatus', {
      nullable: true,
      description: 'How far Meta’s review of the name is, in Meta’s words.',
    }),
    status: t.field({
      type: WhatsAppNumberStatus,
      description: 'Where it stands at Meta.',
      select: { status: true },
      resolve: ({ status }) => (status in numberStatuses ? (status as keyof typeof numberStatuses) : 'UNKNOWN'),
    }),
    registered: t.exposeBoolean('isRegistered', { description: 'Whether it was taken into use with its PIN.' }),
    quality: t.field({
      type: WhatsAppQuality,
      description: 'Meta’s rating of the last seven days.',
      select: { quality: true },
      resolve: ({ quality }) => toQuality(quality),
    }),
    throughput: t.exposeInt('throughput', {
      description: 'Messages a second that Meta allows: 80, 1,000, or 20 beside the phone app.',
    }),
    messagingLimit: t.exposeInt('messagingLimit', {
      nullable: true,
      description:
        'How many people the business may write to in 24 hours outside of service windows, over all its numbers; null: any number.',
    }),
    blockedReason: t.field({
      type: WhatsAppBlock,
      nullable: true,
      description:
        'Why the number sends nothing at the moment; null when nothing stops it. See also that of its account.',
      select: { blockedReason: true, blockedAt: true, blockedUntil: true },
      resolve: (number, _args, ctx) => blockOf(number, ctx.services.now()),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was connected first.' }),
  }),
});

const blockSelect = {
  blockedReason: true,
  blockedAt: true,
  blockedUntil: true,
  connection: { select: { status: true, brokenReason: true, updatedAt: true } },
} as const;

export const WhatsAppAccount = builder.prismaNode('WhatsAppAccount', {
  description: 'A WhatsApp Business Account (WABA): it has the numbers and the templates.',
  authScopes: { may: 'whatsapp.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    wabaId: t.exposeString('wabaId', { description: 'Meta’s id of it.' }),
    name: t.exposeString('name', { nullable: true, description: 'What it is called at Meta.' }),
    currency: t.exposeString('currency', { nullable: true, description: 'In which currency Meta bills it.' }),
    reviewStatus: t.exposeString('reviewStatus', {
      nullable: true,
      description: 'How far Meta’s review of the account is, in Meta’s words.',
    }),
    status: t.field({
      type: WhatsAppAccountStatus,
      description: 'Whether it can be used.',
      select: blockSelect,
      resolve: (account, _args, ctx) => {
        const { status } = account.connection;
        if (status === 'ENDED') return 'ENDED';
        if (status !== 'ACTIVE') return 'BROKEN';
        return blockOf(account, ctx.services.now()) ? 'BLOCKED' : 'ACTIVE';
      },
    }),
    blockedReason: t.field({
      type: WhatsAppBlock,
      nullable: true,
      description: 'Why none of its numbers sends at the moment; null when nothing stops them.',
      select: blockSelect,
      resolve: (account, _args, ctx) => {
        const { status, brokenReason, updatedAt } = account.connection;
        if (status === 'ACTIVE') return blockOf(account, ctx.services.now());
        return explainBlock({ reason: brokenReason ?? 'META_190', since: updatedAt, until: null });
      },
    }),
    tokenExpiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the access token ends, and the account has to be connected again; null: never.',
      select: { connection: { select: { tokenExpiresAt: true } } },
      resolve: ({ connection }) => connection.tokenExpiresAt,
    }),
    numbers: t.relation('numbers', {
      description: 'Its phone numbers, by their age.',
      query: { orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] },
    }),
    templatesSyncedAt: t.expose('templatesSyncedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its templates were last compared with Meta’s.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was connected first.' }),
  }),
});
