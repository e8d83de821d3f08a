import { encodeGlobalID } from '@pothos/plugin-relay';
import type { IdentityKind as Kind } from '../domain/contacts/contact-fields.ts';
import { identityOrder } from '../domain/contacts/identities.ts';
import type { KeyColumn } from '../domain/page.ts';
import type { CustomField as Definition } from '../prisma/client.ts';
import { builder, type Context } from './builder.ts';
import { ConsentEntry } from './consents.ts';
import { CustomField, customFieldsByKey } from './custom-fields.ts';
import { connectionOf, nestedPage, readPage } from './keyset.ts';
import { masked, personal } from './masking.ts';
import { amongOwn, known } from './node.ts';
import { Tag } from './tags.ts';

export const IdentityKind = builder.enumType('IdentityKind', {
  description: 'How a contact is known.',
  values: {
    PHONE: { description: 'A telephone number, in E.164.' },
    WHATSAPP_USER_ID: { description: 'WhatsApp’s id of the person for this business; there may be no phone.' },
    USERNAME: { description: 'A WhatsApp username, without the `@`.' },
    TIKTOK_SHOP_BUYER: { description: 'A buyer’s id at TikTok Shop.' },
    MERCADO_LIVRE_BUYER: { description: 'A buyer’s id at Mercado Livre.' },
    SHOPEE_BUYER: { description: 'A buyer’s id at Shopee.' },
  } as const,
});

/** Lists below a contact are short by rule; what grew by merging is cut here. */
const listMax = 200;

builder.prismaObject('ContactIdentity', {
  description: 'One of the ways a contact is known. It belongs to one contact only.',
  fields: (t) => ({
    kind: t.field({
      type: IdentityKind,
      description: 'What it is.',
      select: { kind: true },
      resolve: ({ kind }) => kind as Kind,
    }),
    value: t.string({
      ...personal,
      description: 'As it is shown and sent to.',
      select: { kind: true, value: true, contactId: true },
      resolve: ({ kind, value, contactId }, _args, ctx) =>
        kind === 'PHONE' ? masked(ctx, contactId, 'phone', value) : value,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'Since when it is listed.' }),
  }),
});

type PostalAddress = Record<'street' | 'city' | 'region' | 'postalCode' | 'country', string | null>;

const ContactAddress = builder.objectRef<PostalAddress>('ContactAddress').implement({
  description: 'Where a contact lives, as far as is known.',
  fields: (t) => ({
    street: t.exposeString('street', { nullable: true, description: 'Street and number.' }),
    city: t.exposeString('city', { nullable: true, description: 'City.' }),
    region: t.exposeString('region', { nullable: true, description: 'State or province.' }),
    postalCode: t.exposeString('postalCode', { nullable: true, description: 'Postal code.' }),
    country: t.exposeString('country', { nullable: true, description: 'ISO 3166-1 alpha-2, as `BR`.' }),
  }),
});

const CustomFieldValue = builder.objectRef<{ field: Definition; value: unknown }>('CustomFieldValue').implement({
  description: 'What a contact has in a custom field.',
  fields: (t) => ({
    field: t.field({ type: CustomField, description: 'The field.', resolve: ({ field }) => field }),
    key: t.string({ description: 'The field’s key.', resolve: ({ field }) => field.key }),
    value: t.field({
      type: 'JSON',
      description: 'A text, a number or a boolean, as the field’s type says; a `DATE` is a text as `1990-05-17`.',
      resolve: ({ value }) => value,
    }),
  }),
});

const MergedContact = builder
  .objectRef<{ id: string; name: string | null; mergedAt: Date }>('MergedContact')
  .implement({
    description: 'A contact that was merged into another one and is hidden since.',
    fields: (t) => ({
      contactId: t.globalID({
        description: 'The id that it had, and has again after `contactUnmerge`.',
        resolve: ({ id }) => ({ type: 'Contact', id }),
      }),
      name: t.exposeString('name', { nullable: true, description: 'What it was called.' }),
      mergedAt: t.expose('mergedAt', { type: 'DateTime', description: 'When it was merged.' }),
    }),
  });

const notesNewestFirst: KeyColumn[] = [
  { field: 'createdAt', column: 'created_at', type: 'date', descending: true },
  { field: 'id', column: 'id', type: 'uuid', descending: true },
];
const consentsNewestFirst: KeyColumn[] = [
  { field: 'recordedAt', column: 'recorded_at', type: 'date', descending: true },
  { field: 'id', column: 'id', type: 'uuid', descending: true },
];

/** How a note is looked up: among those about contacts that the caller sees. */
export const visibleNote = (id: string, ctx: Context) => ({
  ...amongOwn(id, ctx),
  contact: { is: { tenantId: known(ctx).tenantId } },
});

export const ContactNote = builder.prismaNode('ContactNote', {
  description: 'What somebody of the tenant wrote down about a contact.',
  authScopes: { may: 'contacts.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: visibleNote,
  nullable: true,
  fields: (t) => ({
    body: t.exposeString('body', { description: 'The text, of several lines.' }),
    authorName: t.exposeString('authorName', {
      nullable: true,
      description: 'Who wrote it, by the name of that day: it stays readable when the person has left.',
    }),
    contact: t.relation('contact', { description: 'Whom it is about.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was written.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its text last changed.' }),
  }),
});

export const Contact = builder.prismaNode('Contact', {
  description: 'A person whom the tenant keeps in touch with: a customer, or someone who may become one.',
  authScopes: { may: 'contacts.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: (id, ctx) => ({ ...amongOwn(id, ctx), mergedIntoId: null }),
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name', { nullable: true, description: 'The whole name.' }),
    phone: t.string({
      ...personal,
      nullable: true,
      description:
        'The first of the telephone numbers, in E.164. There may be none: WhatsApp knows people by usernames too.',
      select: { identities: { orderBy: identityOrder, take: listMax, select: { kind: true, value: true } } },
      resolve: ({ id, identities }, _args, ctx) =>
        masked(ctx, id, 'phone', identities.find(({ kind }) => kind === 'PHONE')?.value ?? null),
    }),
    email: t.string({
      ...personal,
      nullable: true,
      description: 'The e-mail address, in lower case.',
      select: { email: true },
      resolve: ({ id, email }, _args, ctx) => masked(ctx, id, 'email', email),
    }),
    externalId: t.exposeString('externalId', {
      nullable: true,
      description: 'The tenant’s own id for the contact; unique.',
    }),
    birthDate: t.expose('birthDate', { type: 'Date', nullable: true, description: 'The day of birth.' }),
    language: t.exposeString('language', { nullable: true, description: 'BCP 47, as `pt-BR`.' }),
    address: t.field({
      type: ContactAddress,
      nullable: true,
      description: 'The postal address; null when nothing of it is known.',
      select: { street: true, city: true, region: true, postalCode: true, country: true },
      resolve: ({ street, city, region, postalCode, country }) =>
        [street, city, region, postalCode, country].some((part) => part !== null)
          ? { street, city, region, postalCode, country }
          : null,
    }),
    identities: t.relation('identities', {
      description: `All the ways the contact is known, the first ones first (at most ${listMax}).`,
      query: { orderBy: identityOrder, take: listMax },
    }),
    tags: t.field({
      type: [Tag],
      description: `The tags on the contact (at most ${listMax}).`,
      select: (_args, _ctx, nested) => ({
        tags: {
          orderBy: [{ createdAt: 'asc' as const }, { tagId: 'asc' as const }],
          take: listMax,
          select: { tag: nested() },
        },
      }),
      resolve: ({ tags }) => tags.map(({ tag }) => tag),
    }),
    customFields: t.field({
      type: [CustomFieldValue],
      description: 'What the contact has in the tenant’s custom fields; fields without a value are left out.',
      select: { customFields: true },
      resolve: async ({ customFields }, _args, ctx) => {
        const values = customFields as Record<string, unknown>;
        const fields = await customFieldsByKey(ctx);
        return [...fields.values()].flatMap((field) =>
          field.key in values ? [{ field, value: values[field.key] }] : [],
        );
      },
    }),
    blocked: t.boolean({
      description: 'Whether the tenant wants nothing to do with the contact: no message goes out to it.',
      select: { blockedAt: true },
      resolve: ({ blockedAt }) => blockedAt !== null,
    }),
    blockedAt: t.expose('blockedAt', { type: 'DateTime', nullable: true, description: 'Since when it is blocked.' }),
    consents: t.relation('consents', {
      description: 'Where the contact stands on each purpose and channel. What is not listed was never granted.',
      query: { orderBy: [{ purpose: 'asc' }, { channel: 'asc' }], take: listMax },
    }),
    consentHistory: t.connection(
      {
        type: ConsentEntry,
        description: 'Every consent ever given and taken back, the newest first.',
        select: (args, _ctx, nested) => ({
          consentEntries: nestedPage(consentsNewestFirst, args, nested, 'ConsentEntry'),
        }),
        resolve: ({ consentEntries }, args) =>
          connectionOf(consentsNewestFirst, readPage(consentsNewestFirst, args), consentEntries),
      },
      { name: 'ConsentEntryConnection', description: 'A page of the ledger of consents.' },
      { name: 'ConsentEntryEdge', description: 'An entry on a page of the ledger.' },
    ),
    notes: t.connection(
      {
        type: ContactNote,
        description: 'What people of the tenant wrote down, the newest first.',
        select: (args, _ctx, nested) => ({
          notes: nestedPage(notesNewestFirst, args, nested, 'ContactNote'),
        }),
        resolve: ({ notes }, args) => connectionOf(notesNewestFirst, readPage(notesNewestFirst, args), notes),
      },
      { name: 'ContactNoteConnection', description: 'A page of notes.' },
      { name: 'ContactNoteEdge', description: 'A note on a page.' },
    ),
    merged: t.field({
      type: [MergedContact],
      description: `The contacts that were merged into this one and can be taken out again (at most ${listMax}), the latest first.`,
      select: {
        mergesInto: {
          where: { undoneAt: null },
          orderBy: [{ mergedAt: 'desc' }, { id: 'desc' }],
          take: listMax,
          select: { mergedAt: true, source: { select: { id: true, name: true } } },
        },
      },
      resolve: ({ mergesInto }) => mergesInto.map(({ mergedAt, source }) => ({ ...source, mergedAt })),
    }),
    assignedTo: t.id({
      nullable: true,
      description: 'The id of the person whose contact it is; null: everybody’s.',
      select: { assignedTo: true },
      resolve: ({ assignedTo }) => assignedTo && encodeGlobalID('User', assignedTo),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created here.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When anything about it last changed.' }),
  }),
});
