import { ConfirmationRequiredError, ForbiddenError } from '../domain/errors.ts';
import { setRequireTotp } from '../domain/tenants/require-totp.ts';
import { type SellersSee as Sees, updateTenant } from '../domain/tenants/update-tenant.ts';
import { builder } from './builder.ts';
import { known } from './node.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const SellersSee = builder.enumType('SellersSee', {
  description: 'What sellers see of something that is assigned to people.',
  values: {
    ALL: { description: 'All of it.' },
    ASSIGNED_OR_UNASSIGNED: {
      description: 'What is the seller’s own or nobody’s; anything else is not there for them.',
    },
  } satisfies Record<Sees, { description: string }>,
});

const maskForSellers =
  'Whether sellers are shown telephone numbers and e-mail addresses of contacts only in part (`•••4321`, `a•••@•••.com`), and cannot filter by them. Those of a contact’s own fields, identities and messages are meant: what somebody writes into a name, a note, an external id, a custom field or a message is shown as it is.';

export const Tenant = builder.prismaNode('Tenant', {
  description: 'A business that uses Parley, and its profile.',
  authScopes: { may: 'tenant.read' },
  id: { resolve: ({ id }) => id, description: 'The global id.' },
  select: { id: true },
  findUnique: (id, ctx) => ({ id, AND: { id: known(ctx).tenantId } }),
  nullable: true,
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What the business calls itself here.' }),
    legalName: t.exposeString('legalName', { nullable: true, description: 'The name it is registered under.' }),
    taxId: t.exposeString('taxId', { nullable: true, description: 'Its tax number, as CNPJ or VKN.' }),
    registrationId: t.exposeString('registrationId', {
      nullable: true,
      description: 'Its number in the register of companies.',
    }),
    industry: t.exposeString('industry', { nullable: true, description: 'What it does.' }),
    companySize: t.exposeString('companySize', {
      nullable: true,
      description: 'How many people work there, as `11-50`.',
    }),
    phone: t.exposeString('phone', { nullable: true, description: 'Its telephone, in E.164.' }),
    street: t.exposeString('street', { nullable: true, description: 'Street and number.' }),
    city: t.exposeString('city', { nullable: true, description: 'City.' }),
    region: t.exposeString('region', { nullable: true, description: 'State or province.' }),
    postalCode: t.exposeString('postalCode', { nullable: true, description: 'Postal code.' }),
    country: t.exposeString('country', { description: 'ISO 3166-1 alpha-2, as `BR`.' }),
    timeZone: t.exposeString('timeZone', { description: 'IANA name, as `America/Sao_Paulo`.' }),
    locale: t.exposeString('locale', { description: 'BCP 47, as `pt-BR`.' }),
    resendUnknown: t.exposeBoolean('resendUnknown', {
      description:
        'Whether a utility or authentication message is sent once more when nobody learns what became of it. Marketing never is.',
    }),
    requireTotp: t.exposeBoolean('requireTotp', {
      description:
        'Whether its people need an authenticator app. Those without one can sign in and set it up; anything else is refused with `SECOND_FACTOR_SETUP_REQUIRED`.',
    }),
    sellersSeeContacts: t.field({
      type: SellersSee,
      description: 'Which contacts sellers see, and what hangs on them: notes, consents, messages.',
      select: { sellersSeeContacts: true },
      resolve: ({ sellersSeeContacts }) => sellersSeeContacts as Sees,
    }),
    sellersSeeCampaigns: t.field({
      type: SellersSee,
      description: 'Which campaigns sellers see.',
      select: { sellersSeeCampaigns: true },
      resolve: ({ sellersSeeCampaigns }) => sellersSeeCampaigns as Sees,
    }),
    maskForSellers: t.exposeBoolean('maskForSellers', {
      description: `${maskForSellers} An API key that lacks the scope \`contacts.reveal\` is treated alike.`,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it signed up.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When the profile last changed.' }),
  }),
});

builder.queryField('tenant', (t) =>
  t.prismaField({
    type: Tenant,
    description: 'The tenant that the caller is signed in for.',
    authScopes: { may: 'tenant.read' },
    resolve: async (query, _root, _args, ctx) => {
      const { tenantId } = await ctx.signedIn();
      return ctx.tx.tenant.findUniqueOrThrow({ ...query, where: { id: tenantId } });
    },
  }),
);

const TenantUpdateInput = builder.inputType('TenantUpdateInput', {
  description: 'The business profile. What is left out stays; null clears what may be empty.',
  fields: (t) => ({
    name: t.string({ description: 'What the business calls itself here; 1 to 200 characters.' }),
    legalName: t.string({ description: 'The name it is registered under.' }),
    taxId: t.string({ description: 'Its tax number.' }),
    registrationId: t.string({ description: 'Its number in the register of companies.' }),
    industry: t.string({ description: 'What it does.' }),
    companySize: t.string({ description: 'How many people work there.' }),
    phone: t.string({ description: 'E.164, or as it is written in the tenant’s country.' }),
    street: t.string({ description: 'Street and number.' }),
    city: t.string({ description: 'City.' }),
    region: t.string({ description: 'State or province.' }),
    postalCode: t.string({ description: 'Postal code.' }),
    country: t.string({ description: 'ISO 3166-1 alpha-2.' }),
    timeZone: t.string({ description: 'IANA name.' }),
    locale: t.string({ description: 'BCP 47.' }),
    resendUnknown: t.boolean({
      description: 'Whether a utility or authentication message whose fate stays unknown is sent once more.',
    }),
    requireTotp: t.boolean({
      description:
        'Whether its people need an authenticator app. Only a person who has one may ask for it, with a fresh proof of who they are.',
    }),
    sellersSeeContacts: t.field({ type: SellersSee, description: 'Which contacts sellers see.' }),
    sellersSeeCampaigns: t.field({ type: SellersSee, description: 'Which campaigns sellers see.' }),
    maskForSellers: t.boolean({
      description: 'Whether telephone numbers and e-mail addresses of contacts are shown to sellers only in part.',
    }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('tenantUpdate', (t) =>
  t.field({
    type: Tenant,
    nullable: true,
    description: 'Changes the business profile.',
    authScopes: { may: 'tenant.write' },
    errors: { types: [...writeErrors, ForbiddenError, ConfirmationRequiredError] },
    args: { input: t.arg({ type: TenantUpdateInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input }, ctx, info) =>
      write(
        ctx,
        info,
        input,
        async (tx, viewer) => {
          await setRequireTotp(tx, viewer, input.requireTotp, ctx.services);
          return updateTenant(tx, viewer, input);
        },
        ({ id }) => ctx.tx.tenant.findUnique({ ...selection(ctx, info, 'Tenant'), where: { id } }),
      ),
  }),
);
