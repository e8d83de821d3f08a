import { type ExplainedRejection, explainRejection } from '../domain/templates/explain-rejection.ts';
import { readParameters, type TemplateParameter as Parameter, unsendablePart } from '../domain/templates/parameters.ts';
import { toCategory } from '../domain/templates/words.ts';
import { builder } from './builder.ts';
import { amongOwn } from './node.ts';
import { toQuality, WhatsAppQuality } from './whatsapp-types.ts';

export const TemplateCategory = builder.enumType('TemplateCategory', {
  description: 'What a template is for: it decides which consent it needs, and what Meta charges.',
  values: {
    MARKETING: { description: 'Offers and news: goes only to people who consented to marketing.' },
    UTILITY: { description: 'About something the person ordered or agreed to.' },
    AUTHENTICATION: { description: 'A one-time code.' },
  } as const,
});

const statuses = {
  SUBMITTING: { description: 'On its way to Meta; whether it arrived is known within two minutes.' },
  PENDING: { description: 'Meta reviews it: seconds to minutes usually, up to 24 hours.' },
  APPROVED: { description: 'It can be sent.' },
  REJECTED: { description: 'Meta does not take it: `rejection` says why.' },
  PAUSED: {
    description:
      'People did not like it: Meta lets it rest, until `pausedUntil` where it says so. What waits for it waits.',
  },
  DISABLED: { description: 'Paused too often: it is over for good.' },
  IN_APPEAL: { description: 'Somebody appealed against a rejection.' },
  PENDING_DELETION: { description: 'It is being deleted at Meta.' },
  DELETED: { description: 'It is no longer there.' },
  LIMIT_EXCEEDED: { description: 'The account has more templates than Meta allows.' },
  ARCHIVED: { description: 'Not used for 12 months: Meta deletes it 28 days later.' },
  UNKNOWN: { description: 'Meta said something that is not known here.' },
} as const;

export const TemplateStatus = builder.enumType('TemplateStatus', {
  description: 'Where a template stands at Meta. Only an APPROVED one is sent.',
  values: statuses,
});

export const TemplateParameterFormat = builder.enumType('TemplateParameterFormat', {
  description: 'How variables are written in a template.',
  values: {
    POSITIONAL: { description: 'By number: {{1}}, {{2}} …' },
    NAMED: { description: 'By name: {{first_name}}.' },
  } as const,
});

const TemplateParameterKind = builder.enumType('TemplateParameterKind', {
  description: 'What a parameter is filled with.',
  values: {
    TEXT: { description: 'A text in one line.' },
    IMAGE: { description: 'An image: `id:` and Meta’s media id, or an https link.' },
    VIDEO: { description: 'A video: `id:` and Meta’s media id, or an https link.' },
    DOCUMENT: { description: 'A document: `id:` and Meta’s media id, or an https link.' },
    LOCATION: { description: 'A place, as JSON: `{"latitude":"…","longitude":"…","name":"…","address":"…"}`.' },
    URL_SUFFIX: { description: 'What ends the link of a button.' },
    COPY_CODE: { description: 'The code that a button copies, at most 15 characters.' },
    OTP: { description: 'A one-time code, at most 15 characters: it fills the text and the button alike.' },
  } as const,
});

export const TemplateParameter = builder.objectRef<Parameter>('TemplateParameter').implement({
  description: 'Something that has to be filled in to send a template.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'What a campaign’s variables name it by, as `body.1` or `button.0`.' }),
    kind: t.field({ type: TemplateParameterKind, description: 'With what it is filled.', resolve: ({ kind }) => kind }),
    example: t.exposeString('example', { nullable: true, description: 'The example that Meta was given.' }),
  }),
});

const TemplateRejection = builder.objectRef<ExplainedRejection>('TemplateRejection').implement({
  description: 'Why a template was rejected, and what to do about it.',
  fields: (t) => ({
    reason: t.exposeString('reason', { description: 'For programs: Meta’s word, or `NOT_SUBMITTED`.' }),
    title: t.exposeString('title', { description: 'What it is, for people.' }),
    action: t.exposeString('action', { description: 'What to do.' }),
  }),
});

export const TemplateVersion = builder.prismaObject('TemplateVersion', {
  description: 'What a template says at a time. It never changes: another wording is another version.',
  fields: (t) => ({
    parameterFormat: t.field({
      type: TemplateParameterFormat,
      description: 'How its variables are written.',
      select: { parameterFormat: true },
      resolve: ({ parameterFormat }) => (parameterFormat === 'NAMED' ? 'NAMED' : 'POSITIONAL'),
    }),
    components: t.field({
      type: 'JSON',
      description: 'Its parts as Meta writes them: HEADER, BODY, FOOTER, BUTTONS.',
      select: { components: true },
      resolve: ({ components }) => components,
    }),
    parameters: t.field({
      type: [TemplateParameter],
      description: 'What has to be filled in to send it: header, body, buttons.',
      select: { parameters: true },
      resolve: ({ parameters }) => readParameters(parameters),
    }),
    unsendablePart: t.field({
      type: 'String',
      nullable: true,
      description:
        'A part that Parley cannot fill in, as `CAROUSEL`: the template cannot be sent from here. Null when it can.',
      select: { components: true },
      resolve: ({ components }) => unsendablePart(components),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was first seen here.' }),
  }),
});

export const Template = builder.prismaNode('Template', {
  description: 'A message template of a WhatsApp account: one name in one language.',
  authScopes: { may: 'templates.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    account: t.relation('account', { description: 'The WhatsApp account that it belongs to.' }),
    name: t.exposeString('name', { description: 'Its name; unique with the language.' }),
    language: t.exposeString('language', { description: 'Its language, as Meta writes it: `pt_BR`.' }),
    metaId: t.exposeString('metaId', { nullable: true, description: 'Meta’s id of it; null until Meta has taken it.' }),
    category: t.field({
      type: TemplateCategory,
      description: 'The category in force, as Meta sees it: it may be another than the one asked for.',
      select: { category: true },
      resolve: ({ category }) => toCategory(category) ?? 'MARKETING',
    }),
    nextCategory: t.field({
      type: TemplateCategory,
      nullable: true,
      description: 'The category that Meta has announced.',
      select: { nextCategory: true },
      resolve: ({ nextCategory }) => toCategory(nextCategory) ?? null,
    }),
    nextCategoryAt: t.expose('nextCategoryAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the announced category comes into force.',
    }),
    status: t.field({
      type: TemplateStatus,
      description: 'Where it stands at Meta.',
      select: { status: true },
      resolve: ({ status }) => (status in statuses ? (status as keyof typeof statuses) : 'UNKNOWN'),
    }),
    pausedUntil: t.expose('pausedUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'When Meta lifts a pause by itself; null when it is not paused, or Meta does not say.',
    }),
    rejection: t.field({
      type: TemplateRejection,
      nullable: true,
      description: 'Why Meta rejected it; null when it did not.',
      select: { rejectedReason: true },
      resolve: ({ rejectedReason }) => (rejectedReason === null ? null : explainRejection(rejectedReason)),
    }),
    quality: t.field({
      type: WhatsAppQuality,
      description: 'How people react to it. RED pauses it.',
      select: { quality: true },
      resolve: ({ quality }) => toQuality(quality),
    }),
    ttlSeconds: t.exposeInt('ttlSeconds', {
      nullable: true,
      description: 'For how long Meta tries to deliver it, in seconds; -1: 30 days; null: as Meta does by itself.',
    }),
    version: t.field({
      type: TemplateVersion,
      nullable: true,
      description: 'What it says now.',
      select: (_args, _ctx, nested) => ({
        versionId: true,
        versions: nested({ orderBy: [{ createdAt: 'desc' }, { id: 'desc' }] }),
      }),
      resolve: ({ versionId, versions }) => versions.find(({ id }) => id === versionId) ?? null,
    }),
    parameters: t.field({
      type: [TemplateParameter],
      description: 'What has to be filled in to send what it says now: those of its `version`.',
      select: { versionId: true, versions: { select: { id: true, parameters: true } } },
      resolve: ({ versionId, versions }) =>
        readParameters(versions.find(({ id }) => id === versionId)?.parameters ?? []),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created, or first seen here.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When something of it last changed here.' }),
  }),
});
