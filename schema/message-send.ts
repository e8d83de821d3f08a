import { CannotSendError } from '../domain/errors.ts';
import { queueMessage } from '../domain/messages/queue-message.ts';
import { builder } from './builder.ts';
import { Message, visibleMessage } from './messages.ts';
import { rowId } from './node.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const TemplateValueInput = builder.inputType('TemplateValueInput', {
  description: 'What fills one parameter of a template.',
  fields: (t) => ({
    parameter: t.string({ required: true, description: 'Its key, as `body.1`: `Template.parameters` lists them.' }),
    value: t.string({
      required: true,
      description: '1 to 1,024 characters; for media `id:` and an id of WhatsApp’s, or an https link.',
    }),
  }),
});

const MessageTemplateInput = builder.inputType('MessageTemplateInput', {
  description: 'An approved template, filled in.',
  fields: (t) => ({
    templateId: t.id({ required: true, description: 'Which template.' }),
    variables: t.field({ type: [TemplateValueInput], description: 'One value for each of its parameters.' }),
  }),
});

const MessageTextInput = builder.inputType('MessageTextInput', {
  description: 'A free text: only within 24 hours of the person’s last message.',
  fields: (t) => ({
    body: t.string({ required: true, description: '1 to 4,096 characters.' }),
    previewUrl: t.boolean({ description: 'Whether WhatsApp shows a preview of the first link.' }),
  }),
});

const MessageSendInput = builder.inputType('MessageSendInput', {
  description: 'One message to one person: either `contactId` or `to`, and either `template` or `text`.',
  fields: (t) => ({
    numberId: t.id({ required: true, description: 'The WhatsApp number that it goes out from.' }),
    contactId: t.id({ description: 'The contact to write to.' }),
    to: t.string({
      description:
        'Whom to write to: a phone as people write it, of the tenant’s country unless it says another, or a business-scoped user id. Somebody unknown becomes a contact.',
    }),
    template: t.field({ type: MessageTemplateInput, description: 'An approved template.' }),
    text: t.field({ type: MessageTextInput, description: 'A free text.' }),
    validUntil: t.field({
      type: 'DateTime',
      description: 'It is not sent after this time: it becomes `EXPIRED` then. Without end when left out.',
    }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('messageSend', (t) =>
  t.field({
    type: Message,
    nullable: true,
    description:
      'Sends one message; it overtakes every campaign on the number. What would only be refused later, as a text in a closed window, is refused at once. Repeat a request whose answer was lost with the same `idempotencyKey`, or it may be sent twice.',
    authScopes: { may: 'messages.send' },
    errors: { types: [...writeErrors, CannotSendError] },
    args: { input: t.arg({ type: MessageSendInput, required: true, description: 'To whom, and what.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const now = ctx.services.now();
      const { contactId, template, idempotencyKey: _key, ...rest } = input;
      const message = {
        ...rest,
        numberId: rowId('WhatsAppNumber', input.numberId),
        contactId: contactId && rowId('Contact', contactId),
        template: template && { ...template, templateId: rowId('Template', template.templateId) },
      };
      return write(
        ctx,
        info,
        input,
        (tx, { tenantId }) => queueMessage(tx, tenantId, message, now),
        ({ id }) => ctx.tx.message.findUnique({ ...selection(ctx, info, 'Message'), where: visibleMessage(id, ctx) }),
      );
    },
  }),
);
