import { createUpload } from '../domain/uploads/create-upload.ts';
import { builder } from './builder.ts';
import { amongOwn } from './node.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const UploadStatus = builder.enumType('UploadStatus', {
  description: 'How far an upload is.',
  values: {
    WAITING: { description: 'Nothing has arrived; the URL can be used.' },
    RECEIVING: { description: 'The file is arriving.' },
    RECEIVED: { description: 'The whole file has arrived; the URL is used up.' },
  } as const,
});

/** The URL's token is known only while the answer to `uploadCreate` is made. */
const urls = new WeakMap<object, string>();

export const Upload = builder.prismaNode('Upload', {
  description: 'A place for one file: announced with `uploadCreate`, filled by a PUT to its URL.',
  authScopes: { may: 'contacts.import' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: amongOwn,
  nullable: true,
  fields: (t) => ({
    url: t.string({
      nullable: true,
      description:
        'Where to PUT the raw bytes, with as many of them as were announced and without a content encoding. It works once, until ' +
        '`expiresAt`. It is a secret, shown only in the answer to `uploadCreate`: null later, and in the answer to a repeated request.',
      resolve: (upload) => urls.get(upload) ?? null,
    }),
    status: t.field({
      type: UploadStatus,
      description: 'How far it is.',
      select: { status: true },
      resolve: ({ status }) => status as 'WAITING' | 'RECEIVING' | 'RECEIVED',
    }),
    fileName: t.exposeString('fileName', { description: 'The file’s name, as announced.' }),
    contentType: t.exposeString('contentType', { description: 'The file’s media type, as announced.' }),
    byteSize: t.float({
      description: 'The file’s length in bytes, as announced. A body of any other length is refused.',
      select: { byteSize: true },
      resolve: ({ byteSize }) => Number(byteSize),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was announced.' }),
    receivedAt: t.expose('receivedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the whole file had arrived.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      description: 'Until when the URL can be used; once the file has arrived, until when it waits to be imported.',
    }),
  }),
});

const UploadCreateInput = builder.inputType('UploadCreateInput', {
  description: 'The file that will be sent.',
  fields: (t) => ({
    fileName: t.string({ required: true, description: 'Its name, without folders; for people to recognise.' }),
    contentType: t.string({ required: true, description: 'Its media type, as `text/csv`.' }),
    byteSize: t.int({ required: true, description: 'Its exact length in bytes.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('uploadCreate', (t) =>
  t.field({
    type: Upload,
    nullable: true,
    description:
      'Announces a file and gives a one-time URL for it. The bytes are sent there with a PUT, never through GraphQL.',
    authScopes: { may: 'contacts.import' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: UploadCreateInput, required: true, description: 'The file.' }) },
    resolve: (_root, { input }, ctx, info) => {
      let token: string | undefined;
      return write(
        ctx,
        info,
        input,
        async (tx, { tenantId, actor }) => {
          const made = await createUpload(tx, tenantId, { ...input, createdBy: actor.id }, ctx.services.limits);
          token = made.token;
          return { id: made.id, tenantId };
        },
        async ({ id, tenantId }) => {
          const upload = await ctx.tx.upload.findUnique({
            ...selection(ctx, info, 'Upload'),
            where: { tenantId_id: { tenantId, id } },
          });
          if (upload && token !== undefined) urls.set(upload, `${ctx.services.publicUrl}/uploads/${token}`);
          return upload;
        },
      );
    },
  }),
);
