import {
  createCustomField,
  customFieldsMax,
  deleteCustomField,
  updateCustomField,
} from '../domain/contacts/custom-fields.ts';
import type { CustomFieldType as FieldType } from '../domain/contacts/custom-values.ts';
import type { CustomField as Definition } from '../prisma/client.ts';
import { builder, type Context } from './builder.ts';
import { Deleted } from './deleted.ts';
import { amongOwn, rowId } from './node.ts';
import { idempotencyKey, write, writeErrors } from './write.ts';

export const CustomFieldType = builder.enumType('CustomFieldType', {
  description: 'What a custom field holds.',
  values: {
    TEXT: { description: 'Text of at most 2,000 characters.' },
    NUMBER: { description: 'A number of at most 15 digits.' },
    BOOLEAN: { description: 'True or false.' },
    DATE: { description: 'A day, as `1990-05-17`.' },
    SELECT: { description: 'One of the field’s options.' },
  } as const,
});

export const CustomField = builder.prismaNode('CustomField', {
  description: 'A typed field that the tenant added to its contacts.',
  authScopes: { may: 'contacts.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: (id, ctx) => ({ ...amongOwn(id, ctx), deletedAt: null }),
  nullable: true,
  fields: (t) => ({
    key: t.exposeString('key', { description: 'Names it in filters, imports and templates; never changes.' }),
    label: t.exposeString('label', { description: 'What people see.' }),
    type: t.field({
      type: CustomFieldType,
      description: 'What it holds; never changes.',
      select: { type: true },
      resolve: ({ type }) => type as FieldType,
    }),
    options: t.exposeStringList('options', { description: 'The choices of a `SELECT`; else none.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
  }),
});

/** The tenant's fields by key, read once an operation; anew after a mutation changed them. */
const definitions = new WeakMap<Context, Promise<Map<string, Definition>>>();

export function customFieldsByKey(ctx: Context): Promise<Map<string, Definition>> {
  const known = definitions.get(ctx);
  if (known) return known;
  const loading = loadFields(ctx);
  definitions.set(ctx, loading);
  return loading;
}

async function loadFields(ctx: Context): Promise<Map<string, Definition>> {
  const { tenantId } = await ctx.signedIn();
  const fields = await ctx.tx.customField.findMany({
    where: { tenantId, deletedAt: null },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  });
  return new Map(fields.map((field) => [field.key, field]));
}

builder.queryField('customFields', (t) =>
  t.field({
    type: [CustomField],
    description: `The fields that the tenant added to its contacts, at most ${customFieldsMax}, oldest first.`,
    authScopes: { may: 'contacts.read' },
    resolve: async (_root, _args, ctx) => [...(await customFieldsByKey(ctx)).values()],
  }),
);

const CustomFieldCreateInput = builder.inputType('CustomFieldCreateInput', {
  description: 'A new field of the tenant’s contacts.',
  fields: (t) => ({
    key: t.string({
      required: true,
      description:
        'A letter and then at most 62 letters, digits and underscores; unique whatever its case; never changes.',
    }),
    label: t.string({ description: 'What people see; the key, if left out.' }),
    type: t.field({ type: CustomFieldType, required: true, description: 'What it holds; never changes.' }),
    options: t.stringList({ description: 'The choices of a `SELECT`, 1 to 200; none for other types.' }),
    ...idempotencyKey(t),
  }),
});

const CustomFieldUpdateInput = builder.inputType('CustomFieldUpdateInput', {
  description: 'What to change of a field. What is left out stays.',
  fields: (t) => ({
    customFieldId: t.id({ required: true, description: 'Which field.' }),
    label: t.string({ description: 'What people see; null makes it the key.' }),
    options: t.stringList({
      description: 'All choices of a `SELECT`. Values that were chosen before stay, also of choices that are left out.',
    }),
    ...idempotencyKey(t),
  }),
});

const CustomFieldDeleteInput = builder.inputType('CustomFieldDeleteInput', {
  description: 'The field to delete.',
  fields: (t) => ({ customFieldId: t.id({ required: true, description: 'Which field.' }), ...idempotencyKey(t) }),
});

const answer = (ctx: Context) => async (changed: { id: string }) => {
  definitions.delete(ctx);
  const fields = await customFieldsByKey(ctx);
  return [...fields.values()].find(({ id }) => id === changed.id) ?? null;
};

builder.mutationFields((t) => ({
  customFieldCreate: t.field({
    type: CustomField,
    nullable: true,
    description: `Adds a field to the tenant’s contacts; there can be ${customFieldsMax}.`,
    authScopes: { may: 'settings.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: CustomFieldCreateInput, required: true, description: 'The field.' }) },
    resolve: (_root, { input }, ctx, info) =>
      write(ctx, info, input, (tx, { tenantId }) => createCustomField(tx, tenantId, input), answer(ctx)),
  }),
  customFieldUpdate: t.field({
    type: CustomField,
    nullable: true,
    description: 'Changes how a field is shown, or what there is to choose from.',
    authScopes: { may: 'settings.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: CustomFieldUpdateInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const fieldId = rowId('CustomField', input.customFieldId);
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => updateCustomField(tx, tenantId, fieldId, input),
        answer(ctx),
      );
    },
  }),
  customFieldDelete: t.field({
    type: Deleted,
    nullable: true,
    description: 'Deletes a field and the values that contacts have in it.',
    authScopes: { may: 'settings.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: CustomFieldDeleteInput, required: true, description: 'The field.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const fieldId = rowId('CustomField', input.customFieldId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => deleteCustomField(tx, viewer, fieldId),
        async () => {
          definitions.delete(ctx);
          return { id: input.customFieldId };
        },
      );
    },
  }),
}));
