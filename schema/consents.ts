import type {
  ConsentChannel as Channel,
  ConsentPurpose as Purpose,
  ConsentSource as Source,
} from '../domain/contacts/consent.ts';
import { builder } from './builder.ts';
import { masked, personal } from './masking.ts';

export const ConsentPurpose = builder.enumType('ConsentPurpose', {
  description: 'What a person agrees to be written to about.',
  values: {
    MARKETING: { description: 'Offers and news: sent only to who has granted it.' },
    SERVICE: { description: 'The person’s own orders and requests.' },
  } as const,
});

export const ConsentChannel = builder.enumType('ConsentChannel', {
  description: 'Where a person agrees to be written to.',
  values: {
    WHATSAPP: { description: 'WhatsApp.' },
    EMAIL: { description: 'E-mail.' },
    SMS: { description: 'SMS.' },
  } as const,
});

export const ConsentSource = builder.enumType('ConsentSource', {
  description: 'Who said so. Only the person’s own act gives again what was withdrawn.',
  values: {
    PERSON: { description: 'The person, by an own act: a form, a message, a button.' },
    OPERATOR: { description: 'Somebody of the tenant, on the person’s behalf.' },
    API: { description: 'Another system of the tenant.' },
    IMPORT: { description: 'A file of contacts.' },
    MERGE: { description: 'Parley, when contacts were merged or unmerged: the stricter consent wins.' },
    SUPPRESSION: { description: 'Parley, for somebody who was deleted before and came back without an own act.' },
  } as const,
});

builder.prismaObject('ContactConsent', {
  description: 'Where a contact stands on one purpose and channel now.',
  fields: (t) => ({
    purpose: t.field({
      type: ConsentPurpose,
      description: 'What about.',
      select: { purpose: true },
      resolve: ({ purpose }) => purpose as Purpose,
    }),
    channel: t.field({
      type: ConsentChannel,
      description: 'Where.',
      select: { channel: true },
      resolve: ({ channel }) => channel as Channel,
    }),
    granted: t.exposeBoolean('granted', { description: 'Granted, or withdrawn.' }),
    source: t.field({
      type: ConsentSource,
      description: 'Who said so.',
      select: { source: true },
      resolve: ({ source }) => source as Source,
    }),
    givenAt: t.expose('givenAt', { type: 'DateTime', description: 'When the person said so, as far as is known.' }),
    recordedAt: t.expose('recordedAt', {
      type: 'DateTime',
      description: 'When it was written down: the newest counts.',
    }),
  }),
});

export const ConsentEntry = builder.prismaObject('ConsentEntry', {
  description: 'An entry in the ledger of a contact’s consents, never changed afterwards.',
  select: { id: true },
  fields: (t) => ({
    purpose: t.field({
      type: ConsentPurpose,
      description: 'What about.',
      select: { purpose: true },
      resolve: ({ purpose }) => purpose as Purpose,
    }),
    channel: t.field({
      type: ConsentChannel,
      description: 'Where.',
      select: { channel: true },
      resolve: ({ channel }) => channel as Channel,
    }),
    granted: t.exposeBoolean('granted', { description: 'Granted, or withdrawn.' }),
    source: t.field({
      type: ConsentSource,
      description: 'Who said so.',
      select: { source: true },
      resolve: ({ source }) => source as Source,
    }),
    proof: t.string({
      ...personal,
      nullable: true,
      description: 'What shows it: a form’s name and version, a message’s id, a link.',
      select: { proof: true, contactId: true },
      resolve: ({ proof, contactId }, _args, ctx) => masked(ctx, contactId, 'messageIds', proof),
    }),
    givenAt: t.expose('givenAt', { type: 'DateTime', description: 'When the person said so, as far as is known.' }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When it was written down.' }),
  }),
});
