import { blockContact } from '../domain/contacts/block-contact.ts';
import { createContact } from '../domain/contacts/create-contact.ts';
import { deleteContact } from '../domain/contacts/delete-contact.ts';
import { updateContact } from '../domain/contacts/update-contact.ts';
import { upsertContact } from '../domain/contacts/upsert-contact.ts';
import { builder, type InputFields } from './builder.ts';
import { ConsentInput } from './contact-consents.ts';
import { contactAnswer } from './contact-answer.ts';
import { Contact, IdentityKind } from './contacts.ts';
import { Deleted } from './deleted.ts';
import { rowId } from './node.ts';
import { idempotencyKey, write, writeErrors } from './write.ts';

const ContactAddressInput = builder.inputType('ContactAddressInput', {
  description: 'A postal address. What is left out stays; null clears.',
  fields: (t) => ({
    street: t.string({ description: 'Street and number; at most 200 characters.' }),
    city: t.string({ description: 'City; at most 200 characters.' }),
    region: t.string({ description: 'State or province; at most 200 characters.' }),
    postalCode: t.string({ description: 'Postal code; at most 200 characters.' }),
    country: t.string({ description: 'ISO 3166-1 alpha-2, as `BR`.' }),
  }),
});

const IdentityInput = builder.inputType('IdentityInput', {
  description: 'One of the ways a contact is known.',
  fields: (t) => ({
    kind: t.field({ type: IdentityKind, required: true, description: 'What it is.' }),
    value: t.string({
      required: true,
      description: 'The number, id or username. A number without a country code is of the tenant’s country.',
    }),
  }),
});

const CustomFieldValueInput = builder.inputType('CustomFieldValueInput', {
  description: 'A value for a custom field.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'The field’s key.' }),
    value: t.field({
      type: 'JSON',
      description:
        'A text, a number or a boolean, as the field’s type says; a `DATE` is a text as `1990-05-17`; null clears.',
    }),
  }),
});

/** What can be said about any contact, new or known. */
const contactFields = (t: InputFields) => ({
  name: t.string({ description: 'The whole name; at most 200 characters.' }),
  email: t.string({ description: 'The e-mail address.' }),
  birthDate: t.field({ type: 'Date', description: 'The day of birth, as `1990-05-17`.' }),
  language: t.string({ description: 'BCP 47, as `pt-BR`.' }),
  address: t.field({ type: ContactAddressInput, description: 'The postal address.' }),
  phone: t.string({
    description: 'The first telephone number: E.164, or as it is written in the tenant’s country. Other numbers stay.',
  }),
  identities: t.field({
    type: [IdentityInput],
    description: 'All the ways the contact is known, at most 50; those that are not in the list are removed.',
  }),
  customFields: t.field({
    type: [CustomFieldValueInput],
    description: 'Values for custom fields; those of other fields stay.',
  }),
});

const tagIds = 'The tags on the contact, all of them; at most 100.';
const consents =
  'Consents to record. A grant that a withdrawal stands against is left out: `consents` of the answer says where it stands.';

const ContactCreateInput = builder.inputType('ContactCreateInput', {
  description: 'A new contact: with a name, an identity, an e-mail address or an external id at least.',
  fields: (t) => ({
    ...contactFields(t),
    externalId: t.string({
      description: 'Your own id for the contact; unique, at most 200 characters, kept to the letter.',
    }),
    tagIds: t.idList({ description: tagIds }),
    consents: t.field({ type: [ConsentInput], description: consents }),
    ...idempotencyKey(t),
  }),
});

const ContactUpdateInput = builder.inputType('ContactUpdateInput', {
  description: 'What to change of a contact. What is left out stays; null clears.',
  fields: (t) => ({
    contactId: t.id({ required: true, description: 'Whom.' }),
    ...contactFields(t),
    externalId: t.string({
      description: 'Your own id for the contact; unique, at most 200 characters, kept to the letter.',
    }),
    ...idempotencyKey(t),
  }),
});

const ContactUpsertInput = builder.inputType('ContactUpsertInput', {
  description: 'A contact by your own id. What is left out stays as it is, or empty; null clears.',
  fields: (t) => ({
    externalId: t.string({
      required: true,
      description: 'Your own id for the contact. That of a merged contact leads to the one it was merged into.',
    }),
    ...contactFields(t),
    tagIds: t.idList({ description: tagIds }),
    consents: t.field({ type: [ConsentInput], description: consents }),
    ...idempotencyKey(t),
  }),
});

const contactIdInput = (name: string, description: string) =>
  builder.inputType(name, {
    description,
    fields: (t) => ({ contactId: t.id({ required: true, description: 'Whom.' }), ...idempotencyKey(t) }),
  });
const ContactDeleteInput = contactIdInput('ContactDeleteInput', 'The contact to delete.');
const ContactBlockInput = contactIdInput('ContactBlockInput', 'The contact to block.');
const ContactUnblockInput = contactIdInput('ContactUnblockInput', 'The contact to let through again.');

/** The ids of tags as the domain knows them. */
const tagRowIds = (ids: string[] | null | undefined) => ids && { tagIds: ids.map((id) => rowId('Tag', id)) };

builder.mutationFields((t) => ({
  contactCreate: t.field({
    type: Contact,
    nullable: true,
    description:
      'Creates a contact. When its phone, another identity or its external id belongs to somebody already, the ConflictError says to whom.',
    authScopes: { may: 'contacts.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactCreateInput, required: true, description: 'The contact.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contact = { ...input, ...tagRowIds(input.tagIds) };
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => createContact(tx, tenantId, contact, ctx.services.now()),
        contactAnswer(ctx, info),
      );
    },
  }),
  contactUpdate: t.field({
    type: Contact,
    nullable: true,
    description: 'Changes a contact.',
    authScopes: { may: 'contacts.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactUpdateInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contactId = rowId('Contact', input.contactId);
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => updateContact(tx, tenantId, contactId, input, ctx.services.now()),
        contactAnswer(ctx, info),
      );
    },
  }),
  contactUpsert: t.field({
    type: Contact,
    nullable: true,
    description: 'Creates the contact of an external id, or changes it when there is one.',
    authScopes: { may: 'contacts.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactUpsertInput, required: true, description: 'The contact.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contact = { ...input, ...tagRowIds(input.tagIds) };
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => upsertContact(tx, tenantId, contact, ctx.services.now()),
        contactAnswer(ctx, info),
      );
    },
  }),
  contactDelete: t.field({
    type: Deleted,
    nullable: true,
    description:
      'Deletes a contact for good: its history, what was merged into it, everything. Only hashes of its identities stay, so that no import brings it back as consented.',
    authScopes: { may: 'contacts.delete' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactDeleteInput, required: true, description: 'The contact.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contactId = rowId('Contact', input.contactId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => deleteContact(tx, viewer, contactId),
        async () => ({ id: input.contactId }),
      );
    },
  }),
  contactBlock: t.field({
    type: Contact,
    nullable: true,
    description: 'Blocks a contact: no message goes out to it. Consents stay as they are.',
    authScopes: { may: 'contacts.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactBlockInput, required: true, description: 'The contact.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contactId = rowId('Contact', input.contactId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => blockContact(tx, viewer, contactId, true),
        contactAnswer(ctx, info),
      );
    },
  }),
  contactUnblock: t.field({
    type: Contact,
    nullable: true,
    description: 'Lets a blocked contact through again.',
    authScopes: { may: 'contacts.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactUnblockInput, required: true, description: 'The contact.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contactId = rowId('Contact', input.contactId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => blockContact(tx, viewer, contactId, false),
        contactAnswer(ctx, info),
      );
    },
  }),
}));
