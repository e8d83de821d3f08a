import { assignCampaign } from '../domain/campaigns/assign-campaign.ts';
import { assignContacts, assignedAtOnceMax } from '../domain/contacts/assign-contacts.ts';
import { builder, type InputFields } from './builder.ts';
import { Campaign } from './campaigns.ts';
import { Contact } from './contacts.ts';
import { amongOwn, rowId } from './node.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const assignee = (t: InputFields) => ({
  userId: t.id({
    description: 'The person of the tenant whose it is from now on; everybody’s, when left out or null.',
  }),
  ...idempotencyKey(t),
});

const ContactAssignInput = builder.inputType('ContactAssignInput', {
  description: 'Contacts, and whose they are to be.',
  fields: (t) => ({
    contactIds: t.idList({ required: true, description: `Which contacts: 1 to ${assignedAtOnceMax}, all or none.` }),
    ...assignee(t),
  }),
});

const CampaignAssignInput = builder.inputType('CampaignAssignInput', {
  description: 'A campaign, and whose it is to be.',
  fields: (t) => ({ campaignId: t.id({ required: true, description: 'Which campaign.' }), ...assignee(t) }),
});

const ContactsAssigned = builder.objectRef<{ ids: string[] }>('ContactsAssigned').implement({
  description: 'Contacts that are somebody’s now, or everybody’s.',
  authScopes: { may: 'contacts.assign' },
  fields: (t) => ({
    contacts: t.prismaField({
      type: [Contact],
      description: 'The contacts, the oldest first.',
      resolve: async (query, { ids }, _args, ctx) => {
        const { tenantId } = await ctx.signedIn();
        const where = { tenantId, id: { in: ids }, mergedIntoId: null };
        return ctx.tx.contact.findMany({ ...query, where, orderBy: { id: 'asc' } });
      },
    }),
  }),
});

const userIdOf = ({ userId }: { userId?: string | null | undefined }) => (userId ? rowId('User', userId) : null);

builder.mutationFields((t) => ({
  contactAssign: t.field({
    type: ContactsAssigned,
    nullable: true,
    description:
      'Makes contacts a person’s. Where the tenant’s `sellersSeeContacts` says so, other sellers do not see them any more.',
    authScopes: { may: 'contacts.assign' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactAssignInput, required: true, description: 'Which, and whose.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contactIds = input.contactIds.map((id) => rowId('Contact', id));
      const userId = userIdOf(input);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => assignContacts(tx, viewer, { contactIds, userId }),
        async (outcome) => outcome,
      );
    },
  }),
  campaignAssign: t.field({
    type: Campaign,
    nullable: true,
    description:
      'Makes a campaign a person’s. Where the tenant’s `sellersSeeCampaigns` says so, other sellers do not see it any more.',
    authScopes: { may: 'campaigns.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: CampaignAssignInput, required: true, description: 'Which, and whose.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const campaignId = rowId('Campaign', input.campaignId);
      const userId = userIdOf(input);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => assignCampaign(tx, viewer, { campaignId, userId }),
        ({ id }) => ctx.tx.campaign.findUnique({ ...selection(ctx, info, 'Campaign'), where: amongOwn(id, ctx) }),
      );
    },
  }),
}));
