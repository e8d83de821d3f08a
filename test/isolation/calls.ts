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
  customFields: () => ({}),
  tags: () => ({}),
  contacts: async (tenant) => ({ filter: { tag: { has: await tenant.id('Tag') } } }),
  segments: () => ({}),
  segmentPreview: async (tenant) => ({ filter: { tag: { has: await tenant.id('Tag') } } }),
  contactImports: () => ({}),
  campaigns: () => ({}),
  whatsAppAccounts: () => ({}),
  whatsAppNumbers: () => ({}),
  templates: async (tenant) => ({ filter: { whatsAppAccountId: await tenant.id('WhatsAppAccount') } }),
  messages: async (tenant) => ({
    filter: { campaignId: await launched(tenant), numberId: await tenant.id('WhatsAppNumber') },
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
  signIn: ({ person }) => ({ input: { email: person.email, password: person.password } }),
  sessionRefresh: async (tenant) => ({ input: { refreshToken: await newRefreshToken(tenant) } }),
  signOut: async (tenant) => ({ input: { refreshToken: await newRefreshToken(tenant) } }),
  tenantUpdate: (tenant) => ({ input: { legalName: tenant.text('legal name'), city: tenant.text('city') } }),

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
  contactUnblock: async (tenant) => ({ input: { contactId: await tenant.make('Contact') } }),
  contactMerge: async (tenant) => ({
    input: { sourceId: await tenant.make('Contact'), targetId: await tenant.id('Contact') },
  }),
  contactUnmerge: async (tenant) => {
    const sourceId = await tenant.make('Contact');
    await tenant.call('contactMerge', { input: { sourceId, targetId: await tenant.id('Contact') } });
    return { input: { contactId: sourceId } };
  },
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
  contactsImportCancel: async (tenant) => ({ input: { importId: await tenant.make('ContactImport') } }),
};

const file = 'name,phone\nAna,+5511987654321\n';

/** The call that makes an object of a type. */
export const makers: Readonly<Record<string, string>> = {
  Campaign: 'campaignCreate',
  Contact: 'contactCreate',
  ContactImport: 'contactsImport',
  ContactNote: 'contactNoteCreate',
  CustomField: 'customFieldCreate',
  Segment: 'segmentCreate',
  Tag: 'tagCreate',
  Template: 'templateCreate',
  Upload: 'uploadCreate',
  WhatsAppAccount: 'whatsAppConnect',
  WhatsAppNumber: 'whatsAppNumberRefresh',
};

/** Of which type an id in an input is, where its name does not say so (`contactId`, `tagIds`). */
export const idTypes: Readonly<Record<string, string>> = {
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

async function newRefreshToken(tenant: Tenant): Promise<string> {
  const { result } = await tenant.call('signIn', await calls['signIn']?.(tenant));
  return String(result['refreshToken']);
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
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
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
  for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
    const { data } = await tenant.send('query ($id: ID!) { node(id: $id) { ... on Campaign { status } } }', { id });
    if ((data?.['node'] as { status?: string } | null)?.status === 'RUNNING') return id;
  }
  throw new Error('The campaign was not launched.');
}
