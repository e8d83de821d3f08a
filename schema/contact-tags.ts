import { changeTags, type TagChange } from '../domain/contacts/contact-tags.ts';
import { builder } from './builder.ts';
import { contactAnswer } from './contact-answer.ts';
import { Contact } from './contacts.ts';
import { rowId } from './node.ts';
import { idempotencyKey, write, writeErrors } from './write.ts';

const tagsInput = (name: string, description: string, tagIds: string) =>
  builder.inputType(name, {
    description,
    fields: (t) => ({
      contactId: t.id({ required: true, description: 'Whose.' }),
      tagIds: t.idList({ required: true, description: tagIds }),
      ...idempotencyKey(t),
    }),
  });

const tagMutation = (name: string, change: TagChange, input: ReturnType<typeof tagsInput>, description: string) =>
  builder.mutationField(name, (t) =>
    t.field({
      type: Contact,
      nullable: true,
      description,
      authScopes: { may: 'contacts.write' },
      errors: { types: writeErrors },
      args: { input: t.arg({ type: input, required: true, description: 'The contact and the tags.' }) },
      resolve: (_root, { input }, ctx, info) => {
        const contactId = rowId('Contact', input.contactId);
        const tagIds = input.tagIds.map((id) => rowId('Tag', id));
        return write(
          ctx,
          info,
          input,
          (tx, { tenantId }) => changeTags(tx, tenantId, contactId, change, tagIds),
          contactAnswer(ctx, info),
        );
      },
    }),
  );

tagMutation(
  'contactTagsSet',
  'set',
  tagsInput(
    'ContactTagsSetInput',
    'All tags of a contact.',
    'All tags, at most 100; an empty list takes every tag off.',
  ),
  'Gives a contact exactly these tags.',
);
tagMutation(
  'contactTagsAdd',
  'add',
  tagsInput('ContactTagsAddInput', 'Tags to put on a contact.', 'The tags to add; a contact has at most 100.'),
  'Puts tags on a contact; those that it has already stay.',
);
tagMutation(
  'contactTagsRemove',
  'remove',
  tagsInput('ContactTagsRemoveInput', 'Tags to take off a contact.', 'The tags to take off.'),
  'Takes tags off a contact; those that it does not have are no matter.',
);
