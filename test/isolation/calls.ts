import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { formatLinkToken, makeLinkToken } from '../../domain/auth/link-token.ts';
import { globalId, rawId, testKeys } from '../fixtures.ts';
import { codeAt } from '../totp.ts';
import { begunTotp, newChallenge, withoutTotp, withTotp } from './factors.ts';
import { backFromGoogle, newIdentity, withGoogle, withoutGoogle } from './google.ts';
import type { Tenant } from './tenant.ts';

export type Variables = Record<string, unknown>;

/**
 * How each query and mutation is called so that it works, by a tenant that has whatever the call needs. A field that is new in the schema
 * belongs here: its ids, at any depth of its arguments, and everything that can be read of it are then tried by themselves.
 */
export const calls: Readonly<Record<string, (tenant: Tenant) => Variables | Promise<Variables>>> = {
  // Queries.
  node: async (tenant) => ({ id: await tenant.id('Contact') }),
  nodes: async (tenant) => ({ ids: [await tenant.id('Contact'), await tenant.id('Tag')] }),
  tenant: () => ({}),
  viewer: () => ({}),
  sessions: () => ({}),
  customFields: () => ({}),
  tags: () => ({}),
  contacts: async (tenant) => ({ filter: { tag: { has: await tenant.id('Tag') } } }),
  segments: () => ({}),
  segmentPreview: async (tenant) => ({ filter: { tag: { has: await tenant.id('Tag') } } }),
  apiKeys: () => ({}),
  members: () => ({}),
  invitations: () => ({}),
  contactImports: () => ({}),
  campaigns: () => ({}),
  whatsAppAccounts: () => ({}),
  whatsAppNumbers: () => ({}),
  templates: async (tenant) => ({ filter: { whatsAppAccountId: await tenant.id('WhatsAppAccount') } }),
  messages: async (tenant) => ({
    filter: { campaignId: await launched(tenant), numberId: await tenant.id('WhatsAppNumber') },
  }),

  auditEntries: async (tenant) => ({
    filter: { since: '2020-01-01T00:00:00Z', actorId: globalId('User', tenant.person.userId) },
  }),

  // Mutations: who signs in, and the tenant.
  signUp: (tenant) => ({
    input: {
      tenantName: tenant.text('shop'),
      name: tenant.text('owner'),
      email: `${tenant.word('owner')}@example.com`,
      password: tenant.word('password'),
      country: 'BR',
      timeZone: 'America/Sao_Paulo',
    },
  }),
  signIn: async (tenant) => {
    await withoutTotp(tenant);
    const { email, password } = tenant.person;
    return { input: { email, password } };
  },
  signInConfirm: async (tenant) => {
    const secret = await withTotp(tenant);
    const challenge = await newChallenge(tenant);
    return { input: { challenge, code: codeAt(secret, new Date()) } };
  },
  totpBegin: async (tenant) => {
    await withoutTotp(tenant);
    return { input: {} };
  },
  totpConfirm: async (tenant) => ({ input: { code: codeAt(await begunTotp(tenant), new Date()) } }),
  recoveryCodesRenew: async (tenant) => {
    await withTotp(tenant);
    return { input: {} };
  },
  totpDisable: async (tenant) => {
    await withTotp(tenant);
    return { input: {} };
  },
  googleSignInBegin: () => ({ input: {} }),
  googleSignIn: async (tenant) => ({ input: await backFromGoogle(tenant) }),
  googleSignUp: (tenant) => ({
    input: {
      identity: newIdentity(tenant),
      tenantName: tenant.text('shop'),
      country: 'BR',
      timeZone: 'America/Sao_Paulo',
    },
  }),
  googleLink: async (tenant) => {
    await withoutGoogle(tenant);
    return { input: { identity: newIdentity(tenant) } };
  },
  googleUnlink: async (tenant) => {
    await withGoogle(tenant);
    return { input: {} };
  },
  sessionConfirm: async (tenant) => {
    await withoutTotp(tenant);
    return { input: { password: tenant.person.password } };
  },
  sessionRefresh: async (tenant) => ({ input: { refreshToken: await newRefreshToken(tenant) } }),
  signOut: async (tenant) => ({ input: { refreshToken: await newRefreshToken(tenant) } }),
  emailVerify: async (tenant) => ({ input: { token: await tenant.mailedToken(tenant.person, 'VERIFY_EMAIL') } }),
  emailVerificationResend: async (tenant) => {
    await tenant.mailedToken(tenant.person, 'VERIFY_EMAIL'); // the address is not proven any more
    return { input: {} };
  },
  passwordResetRequest: ({ person }) => ({ input: { email: person.email } }),
  passwordReset: async (tenant) => ({
    input: {
      token: await tenant.mailedToken(tenant.person, 'RESET_PASSWORD'),
      password: tenant.word('password'),
    },
  }),
  passwordChange: ({ person }) => ({ input: { currentPassword: person.password, newPassword: person.password } }),
  sessionEnd: async (tenant) => ({ input: { sessionId: await newSession(tenant) } }),
  sessionsEndOthers: () => ({ input: {} }),
  marketingMailSet: () => ({ input: { optIn: true } }),
  tenantUpdate: (tenant) => ({ input: { legalName: tenant.text('legal name'), city: tenant.text('city') } }),

  apiKeyCreate: (tenant) => ({
    input: {
      name: tenant.text('key'),
      integration: tenant.text('integration'),
      scopes: ['CONTACTS_READ'],
      allowedRanges: ['127.0.0.0/8'],
    },
  }),
  apiKeyRotate: async (tenant) => ({ input: { apiKeyId: await tenant.make('ApiKey'), keepOldForHours: 1 } }),
  apiKeyRevoke: async (tenant) => ({ input: { apiKeyId: await tenant.make('ApiKey') } }),
  apiKeyReport: async (tenant) => {
    const { result } = await tenant.call('apiKeyCreate', await calls['apiKeyCreate']?.(tenant));
    return { input: { key: result['secret'] } };
  },

  // People.
  invitationCreate: (tenant) => ({
    input: { email: `${tenant.canary}-${randomUUID()}@example.com`, role: 'SELLER' },
  }),
  invitationResend: async (tenant) => ({ input: { invitationId: await tenant.make('Invitation') } }),
  invitationRevoke: async (tenant) => ({ input: { invitationId: await tenant.make('Invitation') } }),
  invitationAccept: async (tenant) => ({
    input: { token: await newInvitation(tenant), name: tenant.text('colleague'), password: randomUUID() },
  }),
  memberRoleSet: async (tenant) => ({ input: { memberId: await newMember(tenant), role: 'ADMIN' } }),
  memberRemove: async (tenant) => ({ input: { memberId: await newMember(tenant) } }),
  ownershipTransfer: async (tenant) => ({ input: { memberId: await newMember(tenant) } }),
  sessionSwitch: async (tenant) => ({ input: { tenantId: await tenant.id('Tenant') } }),

  // Contacts and what is kept about them.
  tagCreate: (tenant) => ({ input: { name: tenant.text('tag') } }),
  tagUpdate: async (tenant) => ({ input: { tagId: await tenant.id('Tag'), name: tenant.text('tag') } }),
  tagDelete: async (tenant) => ({ input: { tagId: await tenant.make('Tag') } }),
  customFieldCreate: (tenant) => ({
    input: { key: tenant.word('field'), label: tenant.text('field'), type: 'SELECT', options: [tenant.text('option')] },
  }),
  customFieldUpdate: async (tenant) => ({
    input: { customFieldId: await tenant.id('CustomField'), label: tenant.text('field') },
  }),
  customFieldDelete: async (tenant) => ({ input: { customFieldId: await tenant.make('CustomField') } }),
  contactCreate: async (tenant) => ({
    input: {
      ...(await aPerson(tenant)),
      externalId: tenant.word('external'),
      tagIds: [await tenant.id('Tag')],
      consents: [aConsent(tenant)],
    },
  }),
  contactUpdate: async (tenant) => ({
    input: { contactId: await tenant.id('Contact'), name: tenant.text('name'), address: anAddress(tenant) },
  }),
  contactUpsert: async (tenant) => ({
    input: {
      ...(await aPerson(tenant)),
      externalId: tenant.word('external'),
      tagIds: [await tenant.id('Tag')],
    },
  }),
  contactDelete: async (tenant) => ({ input: { contactId: await tenant.make('Contact') } }),
  contactBlock: async (tenant) => ({ input: { contactId: await tenant.make('Contact') } }),
  contactUnblock: async (tenant) => {
    const contactId = await tenant.make('Contact');
    await tenant.call('contactBlock', { input: { contactId } });
    return { input: { contactId } };
  },
  contactMerge: async (tenant) => ({
    input: { sourceId: await tenant.make('Contact'), targetId: await tenant.id('Contact') },
  }),
  contactUnmerge: async (tenant) => {
    const sourceId = await tenant.make('Contact');
    await tenant.call('contactMerge', { input: { sourceId, targetId: await tenant.id('Contact') } });
    return { input: { contactId: sourceId } };
  },
  contactReveal: async (tenant) => ({
    input: { contactId: await tenant.id('Contact'), reason: 'The parcel came back' },
  }),
  contactNoteCreate: async (tenant) => ({
    input: { contactId: await tenant.id('Contact'), body: tenant.text('note') },
  }),
  contactNoteUpdate: async (tenant) => ({
    input: { noteId: await tenant.id('ContactNote'), body: tenant.text('note') },
  }),
  contactNoteDelete: async (tenant) => ({ input: { noteId: await tenant.make('ContactNote') } }),
  contactTagsSet: async (tenant) => ({
    input: { contactId: await tenant.id('Contact'), tagIds: [await tenant.id('Tag')] },
  }),
  contactTagsAdd: async (tenant) => ({
    input: { contactId: await tenant.id('Contact'), tagIds: [await tenant.id('Tag')] },
  }),
  contactTagsRemove: async (tenant) => ({
    input: { contactId: await tenant.make('Contact'), tagIds: [await tenant.id('Tag')] },
  }),
  contactConsentSet: async (tenant) => ({
    input: { contactId: await tenant.id('Contact'), ...aConsent(tenant) },
  }),
  segmentCreate: async (tenant) => ({
    input: { name: tenant.text('segment'), filter: { tag: { has: await tenant.id('Tag') } } },
  }),
  segmentUpdate: async (tenant) => ({
    input: {
      segmentId: await tenant.id('Segment'),
      name: tenant.text('segment'),
      filter: { tag: { has: await tenant.id('Tag') } },
    },
  }),
  segmentDelete: async (tenant) => ({ input: { segmentId: await tenant.make('Segment') } }),

  // WhatsApp accounts and templates.
  whatsAppConnect: (tenant) => ({ input: { accessToken: tenant.newNumber().accessToken, pin: '123456' } }),
  whatsAppNumberRefresh: async (tenant) => {
    await tenant.id('WhatsAppAccount'); // its number comes with it
    return { input: { numberId: await tenant.id('WhatsAppNumber') } };
  },
  templateCreate: async (tenant) => ({
    input: {
      whatsAppAccountId: await tenant.id('WhatsAppAccount'),
      name: tenant.word('template').toLowerCase(),
      language: 'pt_BR',
      category: 'UTILITY',
      components: [{ type: 'BODY', text: tenant.text('body') }],
    },
  }),
  templatesSync: async (tenant) => ({ input: { whatsAppAccountId: await tenant.id('WhatsAppAccount') } }),
  templateDelete: async (tenant) => ({ input: { templateId: await tenant.make('Template') } }),

  // Campaigns.
  campaignCreate: async (tenant) => ({
    input: {
      name: tenant.text('campaign'),
      templateId: await tenant.id('Template'),
      numberId: await tenant.id('WhatsAppNumber'),
      audience: await anAudience(tenant),
    },
  }),
  campaignUpdate: async (tenant) => ({
    input: {
      campaignId: await tenant.make('Campaign'),
      name: tenant.text('campaign'),
      templateId: await tenant.id('Template'),
      numberId: await tenant.id('WhatsAppNumber'),
      audience: { ...(await anAudience(tenant)), excludeSegmentIds: [await tenant.make('Segment')] },
    },
  }),
  campaignDelete: async (tenant) => ({ input: { campaignId: await tenant.make('Campaign') } }),
  campaignLaunch: async (tenant) => ({ input: { campaignId: await tenant.make('Campaign') } }),
  campaignPause: async (tenant) => ({ input: { campaignId: await launched(tenant) } }),
  campaignResume: async (tenant) => {
    const campaignId = await launched(tenant);
    await tenant.call('campaignPause', { input: { campaignId } });
    return { input: { campaignId } };
  },
  campaignCancel: async (tenant) => ({ input: { campaignId: await tenant.make('Campaign') } }),

  contactAssign: async (tenant) => ({
    input: { contactIds: [await tenant.make('Contact')], userId: await tenant.id('User') },
  }),
  campaignAssign: async (tenant) => ({
    input: { campaignId: await tenant.make('Campaign'), userId: await tenant.id('User') },
  }),

  messageSend: async (tenant) => ({
    input: {
      numberId: await tenant.id('WhatsAppNumber'),
      contactId: await tenant.make('Contact'),
      template: { templateId: await approved(tenant, await tenant.make('Template')) },
    },
  }),

  // Files and their imports.
  uploadCreate: (tenant) => ({
    input: { fileName: `${tenant.word('file')}.csv`, contentType: 'text/csv', byteSize: Buffer.byteLength(file) },
  }),
  contactsImport: async (tenant) => ({ input: { uploadId: await newFile(tenant), defaultCountry: 'BR' } }),
  auditExport: (tenant) => ({ input: { filter: { actorId: globalId('User', tenant.person.userId) } } }),
  contactsImportCancel: async (tenant) => ({ input: { importId: await tenant.make('ContactImport') } }),
};

const file = 'name,phone\nAna,+5511987654321\n';

/** The call that makes an object of a type. */
export const makers: Readonly<Record<string, string>> = {
  ApiKey: 'apiKeyCreate',
  Campaign: 'campaignCreate',
  Contact: 'contactCreate',
  ContactImport: 'contactsImport',
  ContactNote: 'contactNoteCreate',
  CustomField: 'customFieldCreate',
  Invitation: 'invitationCreate',
  Member: 'memberRoleSet',
  Segment: 'segmentCreate',
  Tag: 'tagCreate',
  Template: 'templateCreate',
  Upload: 'uploadCreate',
  WhatsAppAccount: 'whatsAppConnect',
  WhatsAppNumber: 'whatsAppNumberRefresh',
};

/** Of which type an id in an input is, where its name does not say so (`contactId`, `tagIds`). */
export const idTypes: Readonly<Record<string, string>> = {
  'SessionEndInput.sessionId': 'UserSession',
  'node.id': 'Contact',
  'nodes.ids': 'Contact',
  'ContactMergeInput.sourceId': 'Contact',
  'ContactMergeInput.targetId': 'Contact',
  'ContactNoteUpdateInput.noteId': 'ContactNote',
  'ContactNoteDeleteInput.noteId': 'ContactNote',
  'ContactsImportCancelInput.importId': 'ContactImport',
  'WhatsAppNumberRefreshInput.numberId': 'WhatsAppNumber',
  'MessageSendInput.numberId': 'WhatsAppNumber',
  'CampaignCreateInput.numberId': 'WhatsAppNumber',
  'CampaignUpdateInput.numberId': 'WhatsAppNumber',
  'CampaignAudienceInput.excludeSegmentIds': 'Segment',
  'CampaignAudienceInput.excludeContactIds': 'Contact',
  'MessageFilter.numberId': 'WhatsAppNumber',
  'AuditEntryFilter.actorId': 'User',
  'AuditEntryFilter.targetId': 'Contact',
  'AssigneeCondition.is': 'User',
  'TagCondition.has': 'Tag',
  'TagCondition.hasNot': 'Tag',
  'TagCondition.hasAny': 'Tag',
  'TagCondition.hasAll': 'Tag',
};

async function aPerson(tenant: Tenant): Promise<Variables> {
  return {
    name: tenant.text('name'),
    email: `${tenant.word('mail')}@example.com`,
    phone: tenant.phone(),
    birthDate: '1990-05-17',
    language: 'pt-BR',
    address: anAddress(tenant),
    identities: [{ kind: 'USERNAME', value: tenant.word('user') }],
    customFields: [await tenant.customValue()],
  };
}

const anAddress = (tenant: Tenant) => ({
  street: tenant.text('street'),
  city: tenant.text('city'),
  region: tenant.text('region'),
  postalCode: '01310-100',
  country: 'BR',
});

const aConsent = (tenant: Tenant) => ({
  purpose: 'MARKETING',
  channel: 'WHATSAPP',
  granted: true,
  source: 'PERSON',
  proof: tenant.text('proof'),
});

/** Another session of the person; the oldest one, which is in use, is known before it. */
async function newSession(tenant: Tenant): Promise<string> {
  await tenant.send('{ sessions(last: 1) { nodes { __typename id } } }', {});
  await newRefreshToken(tenant);
  const { data } = await tenant.send('{ sessions(first: 1) { nodes { __typename id } } }', {});
  return String((data as { sessions: { nodes: { id: string }[] } }).sessions.nodes[0]?.id);
}

async function newRefreshToken(tenant: Tenant): Promise<string> {
  const { result } = await tenant.call('signIn', await calls['signIn']?.(tenant));
  return String(result['refreshToken']);
}

/** The token of a new invitation, as the mail to somebody has it. */
async function newInvitation(tenant: Tenant): Promise<string> {
  const [newest] = testKeys.encryption;
  if (!newest) throw new Error('There is no key.');
  const id = rawId(await tenant.make('Invitation'));
  return formatLinkToken(makeLinkToken('INVITATION', tenant.person.tenantId, id, newest.key));
}

/** Somebody who was invited and has joined. */
async function newMember(tenant: Tenant): Promise<string> {
  const { result } = await tenant.call('invitationAccept', await calls['invitationAccept']?.(tenant));
  return globalId('Member', rawId(String((result['user'] as Variables)['id'])));
}

/** An upload whose file has arrived. */
async function newFile(tenant: Tenant): Promise<string> {
  const { result } = await tenant.call('uploadCreate', await calls['uploadCreate']?.(tenant));
  const response = await fetch(String(result['url']), { method: 'PUT', body: file });
  if (!response.ok) throw new Error(`The file was not taken: ${response.status} ${await response.text()}`);
  return String(result['id']);
}

async function anAudience(tenant: Tenant): Promise<Variables> {
  return {
    segmentIds: [await tenant.id('Segment')],
    contactIds: [await tenant.id('Contact')],
    excludeContactIds: [await tenant.make('Contact')],
  };
}

/** Waits until Meta has approved a template, as the comparison with its list tells. */
async function approved(tenant: Tenant, id: string): Promise<string> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await pause(20)) {
    await tenant.call('templatesSync', await calls['templatesSync']?.(tenant));
    const { data } = await tenant.send('query ($id: ID!) { node(id: $id) { ... on Template { status } } }', { id });
    if ((data?.['node'] as { status?: string } | null)?.status === 'APPROVED') return id;
  }
  throw new Error('The template was not approved.');
}

/** A campaign that runs: the world launches what is to be launched, as a worker would. */
async function launched(tenant: Tenant): Promise<string> {
  const id = await tenant.make('Campaign');
  await tenant.call('campaignLaunch', { input: { campaignId: id } });
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await pause(20)) {
    const { data } = await tenant.send('query ($id: ID!) { node(id: $id) { ... on Campaign { status } } }', { id });
    if ((data?.['node'] as { status?: string } | null)?.status === 'RUNNING') return id;
  }
  throw new Error('The campaign was not launched.');
}
