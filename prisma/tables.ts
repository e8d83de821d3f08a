/**
 * Every table of `public`, what it is to a tenant, and who may touch it. The list is the order in which a tenant is erased, leaf to root:
 * a table stands above every table that it refers to. prisma/catalogue.ts holds the database to it.
 */
export type Table = {
  name: string;
  /** How a row says whose it is, in SQL; null where no row is any tenant's. The erasure of a tenant goes by it. */
  tenantOf: 'tenant_id' | 'owner_tenant_id' | 'id' | "(payload ->> 'tenantId')::uuid" | null;
  /** The functions that look here across tenants. */
  foundBy?: readonly FinderName[];
  /** A role whose function reads here, under the policies that hold for everybody. */
  readBy?: 'parley_queue';
  /** A role whose function may have its statistics brought up to date. */
  analyzedBy?: 'parley_queue';
  /** Columns that hold the id of something and have no foreign key, and why. */
  loose?: Readonly<Record<string, string>>;
} & (
  | {
      /** A tenant's rows: seen and written with that tenant set, and only then. */
      class: 'tenant';
      appendOnly?: AppendOnly;
      /** The setting that holds a seller's id where the seller may see only what is assigned to nobody else. */
      assignedBy?: 'app.contacts_of' | 'app.campaigns_of';
    }
  | { class: 'tenant itself'; because: string }
  | {
      /** A person's rows: seen and written by whoever is signed in as that person. */
      class: 'person';
      personOf: 'id' | 'user_id';
      because: string;
      /** As for a tenant's. */
      appendOnly?: AppendOnly;
      /** Who else sees the rows: the people of the tenant that is set, or the tenant itself, which changes and ends them too. */
      shared?: 'read by colleagues' | 'kept by the tenant';
    }
  | {
      /** The fleet's own rows, out of the application's reach. */
      class: 'system';
      because: string;
    }
  | { class: 'exempt'; because: string }
);

/**
 * The application adds rows and never changes or removes them: they go with their parent, by the foreign key, or when they are older
 * than an interval, by a function that sees no younger ones.
 */
type AppendOnly = { because: string } & ({ with: string } | { goneAfter: string });

export const tables: readonly Table[] = [
  // Messages, campaigns, templates, and the accounts they go through.
  {
    name: 'webhook_events',
    class: 'tenant',
    tenantOf: 'tenant_id',
    foundBy: ['find_tenants_with_events', 'find_tenants_with_old_events'],
  },
  {
    name: 'messages',
    class: 'tenant',
    tenantOf: 'tenant_id',
    analyzedBy: 'parley_queue',
    foundBy: ['find_due_numbers', 'find_open_campaigns', 'find_tenants_in_doubt', 'find_silent_numbers'],
    loose: {
      template_version_id:
        'A version is never removed before its messages; an index only to check that would cost every send.',
    },
  },
  {
    name: 'campaigns',
    class: 'tenant',
    tenantOf: 'tenant_id',
    assignedBy: 'app.campaigns_of',
    foundBy: ['find_due_numbers', 'find_open_campaigns', 'find_silent_numbers'],
    loose: { created_by: 'Stays true when the person has left.', lease_token: 'A fencing token: refers to nothing.' },
  },
  {
    name: 'template_versions',
    class: 'tenant',
    tenantOf: 'tenant_id',
    appendOnly: { with: 'templates', because: 'A campaign pins what was approved: nobody may change it under it.' },
  },
  {
    name: 'templates',
    class: 'tenant',
    tenantOf: 'tenant_id',
    loose: {
      version_id:
        'Its newest version: versions refer to their template, and a circle could not be erased leaf to root.',
    },
  },
  { name: 'contact_windows', class: 'tenant', tenantOf: 'tenant_id' },
  { name: 'number_paces', class: 'tenant', tenantOf: 'tenant_id', foundBy: ['find_silent_numbers'] },
  { name: 'whatsapp_numbers', class: 'tenant', tenantOf: 'tenant_id', foundBy: ['find_due_numbers'] },
  { name: 'whatsapp_accounts', class: 'tenant', tenantOf: 'tenant_id', foundBy: ['find_accounts_to_sync'] },
  {
    name: 'connections',
    class: 'tenant',
    tenantOf: 'tenant_id',
    foundBy: ['find_accounts_to_sync', 'find_tenants_to_reseal'],
  },
  {
    name: 'partner_routes',
    class: 'system',
    tenantOf: 'owner_tenant_id',
    because: 'Says whose an event is, before there is a tenant.',
    loose: { owner_tenant_id: 'Read across tenants, so it is no tenant’s row; erased with the tenant by this column.' },
  },
  {
    name: 'whatsapp_portfolio_people',
    class: 'system',
    tenantOf: null,
    because: 'The 24 h limit of a portfolio is shared by numbers of several tenants; salted hashes, gone after a day.',
  },
  {
    name: 'whatsapp_portfolios',
    class: 'system',
    tenantOf: null,
    because: 'Shared by the tenants of one business: only Meta’s id and a salt.',
  },
  {
    name: 'unrouted_events',
    class: 'system',
    tenantOf: null,
    because: 'Events that lead to no tenant; gone after a week.',
  },

  // Imports.
  { name: 'contact_import_problems', class: 'tenant', tenantOf: 'tenant_id' },
  { name: 'contact_import_rejected', class: 'tenant', tenantOf: 'tenant_id' },
  { name: 'contact_import_claims', class: 'tenant', tenantOf: 'tenant_id' },
  {
    name: 'contact_imports',
    class: 'tenant',
    tenantOf: 'tenant_id',
    foundBy: ['find_idle_imports', 'find_tenants_to_purge'],
    loose: { created_by: 'Stays true when the person has left.', lease_token: 'A fencing token: refers to nothing.' },
  },
  {
    name: 'uploads',
    class: 'tenant',
    tenantOf: 'tenant_id',
    foundBy: ['find_tenants_to_purge'],
    loose: { created_by: 'Stays true when the person has left.' },
  },

  // Contacts and what hangs on them.
  { name: 'segments', class: 'tenant', tenantOf: 'tenant_id' },
  {
    name: 'consent_entries',
    class: 'tenant',
    tenantOf: 'tenant_id',
    appendOnly: { with: 'contacts', because: 'A ledger is evidence only while nobody can rewrite it.' },
  },
  { name: 'contact_consents', class: 'tenant', tenantOf: 'tenant_id' },
  { name: 'contact_suppressions', class: 'tenant', tenantOf: 'tenant_id' },
  { name: 'contact_merges', class: 'tenant', tenantOf: 'tenant_id' },
  {
    name: 'contact_notes',
    class: 'tenant',
    tenantOf: 'tenant_id',
    loose: { author_id: 'Stays true when the author has left.' },
  },
  { name: 'contact_tags', class: 'tenant', tenantOf: 'tenant_id' },
  { name: 'contact_identities', class: 'tenant', tenantOf: 'tenant_id' },
  {
    name: 'contacts',
    class: 'tenant',
    tenantOf: 'tenant_id',
    assignedBy: 'app.contacts_of',
    loose: { import_id: 'Where it came from: stays true when the import has been cleared away.' },
  },
  { name: 'custom_fields', class: 'tenant', tenantOf: 'tenant_id' },
  { name: 'tags', class: 'tenant', tenantOf: 'tenant_id' },

  // What the API remembers of requests.
  {
    name: 'audit_entries',
    class: 'tenant',
    tenantOf: 'tenant_id',
    appendOnly: { goneAfter: '2 years', because: 'Whoever did something must not be able to take it out again.' },
    loose: {
      actor_id: 'Stays true when the person or key is gone.',
      target_id: 'Stays true when what it was done to is gone: often that is the deed.',
    },
  },
  { name: 'idempotency_keys', class: 'tenant', tenantOf: 'tenant_id', foundBy: ['find_tenants_to_purge'] },
  {
    name: 'api_keys',
    class: 'tenant',
    tenantOf: 'tenant_id',
    foundBy: ['find_api_key'],
    loose: { created_by: 'Stays true when the person has left.' },
  },

  // People and their places in tenants.
  {
    name: 'invitations',
    class: 'tenant',
    tenantOf: 'tenant_id',
    loose: { created_by: 'Stays true when the person has left.' },
  },
  {
    name: 'refresh_tokens',
    class: 'person',
    personOf: 'user_id',
    tenantOf: 'tenant_id',
    because: 'Of a session: the person refreshes it before anybody is signed in for a tenant.',
  },
  {
    name: 'sessions',
    class: 'person',
    personOf: 'user_id',
    tenantOf: 'tenant_id',
    because: 'A person sees and ends the own sessions, of whatever tenant; no tenant reads another person’s.',
  },
  {
    name: 'memberships',
    class: 'person',
    personOf: 'user_id',
    tenantOf: 'tenant_id',
    shared: 'kept by the tenant',
    because:
      'Read to find out who is asking and where that person works, before there is a tenant; begun by the person only, changed and ended by the tenant.',
    foundBy: ['find_sign_in', 'find_identity', 'find_own_tenants', 'find_members_with_totp'],
    readBy: 'parley_queue',
  },
  {
    name: 'sign_in_challenges',
    class: 'person',
    personOf: 'user_id',
    tenantOf: null,
    because: 'Of somebody who owes the second factor: there is no session of a tenant yet.',
  },
  {
    name: 'user_recovery_codes',
    class: 'person',
    personOf: 'user_id',
    tenantOf: null,
    because: 'A person signs in with the same factors for whatever tenant.',
  },
  {
    name: 'user_totp',
    class: 'person',
    personOf: 'user_id',
    tenantOf: null,
    because: 'A person signs in with the same factors for whatever tenant.',
    foundBy: ['find_totp_to_reseal', 'find_members_with_totp'],
  },
  {
    name: 'user_identities',
    class: 'person',
    personOf: 'user_id',
    tenantOf: null,
    because: 'An account elsewhere is a person’s, who signs in with it for whatever tenant.',
    foundBy: ['find_identity'],
  },
  {
    name: 'user_passwords',
    class: 'person',
    personOf: 'user_id',
    tenantOf: null,
    because: 'Only the person changes it, and only the finder below reads it for somebody who is not signed in yet.',
    foundBy: ['find_sign_in'],
  },
  {
    name: 'user_tokens',
    class: 'person',
    personOf: 'user_id',
    tenantOf: null,
    because: 'Links that were mailed to the person: the token says whose it is, so it is looked up as that person.',
  },
  {
    name: 'sign_in_signals',
    class: 'person',
    personOf: 'user_id',
    tenantOf: null,
    because: 'Where and with what a person signs in, in hashes: compared with the person’s own only.',
    appendOnly: { goneAfter: '2 years', because: 'Whoever got in must not be able to wipe the traces.' },
    loose: { user_id: 'Tries with an address that nobody has are nobody’s: they are written like any other.' },
  },
  {
    name: 'user_mail_choices',
    class: 'person',
    personOf: 'user_id',
    tenantOf: null,
    because: 'What the person said about news by mail.',
    appendOnly: { with: 'users', because: 'It is the evidence for having sent any.' },
  },
  {
    name: 'users',
    class: 'person',
    personOf: 'id',
    tenantOf: null,
    shared: 'read by colleagues',
    because: 'A person belongs to no tenant and outlives each of them; colleagues read the name and the address.',
    foundBy: ['find_sign_in'],
  },

  // The fleet.
  {
    name: 'dead_jobs',
    class: 'system',
    tenantOf: "(payload ->> 'tenantId')::uuid",
    because: 'Jobs that failed for good, of every tenant, for operators to explain and replay; ids only.',
  },
  {
    name: 'worker_instances',
    class: 'system',
    tenantOf: null,
    because: 'Heartbeats of processes that work for all tenants.',
  },

  // What the gateway counts.
  {
    name: 'cost_buckets',
    class: 'system',
    tenantOf: null,
    because: 'What a caller may still spend, under a hash of who that is; gone an hour after the last operation.',
  },
  {
    name: 'attempt_counts',
    class: 'system',
    tenantOf: null,
    because: 'How often a sign-in and its like was tried, before there is a tenant; hashes, gone after two days.',
  },
  {
    name: 'known_places',
    class: 'system',
    tenantOf: null,
    because: 'From where an account was opened before, whoever asks now; hashes, gone after half a year.',
  },

  {
    name: 'tenants',
    class: 'tenant itself',
    tenantOf: 'id',
    because: 'The root: its own id is the tenant.',
    foundBy: ['find_own_tenants'],
  },

  {
    name: '_prisma_migrations',
    class: 'exempt',
    tenantOf: null,
    because: 'Prisma’s record of the migrations: nobody’s data, read by the readiness check.',
  },
];

/**
 * The approved ways past row-level security: functions that run as their owner. A finder answers with ids across tenants, and its
 * owner reads only the tables that name it; the work is then done as the tenant that was found.
 */
export type PowerfulFunction = {
  name: string;
  /** The types of its arguments, as Postgres writes them. */
  takes: string;
  owner: 'parley_finder' | 'parley_queue';
  callers: readonly ('parley_app' | 'parley_queue')[];
  because: string;
};

export const powerfulFunctions = [
  {
    name: 'find_sign_in',
    takes: 'text',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'Whose password is to be checked, while nobody is signed in.',
  },
  {
    name: 'find_identity',
    takes: 'text, text',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'Whose an account elsewhere is, while nobody is signed in.',
  },
  {
    name: 'find_totp_to_reseal',
    takes: 'text, uuid, integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'Before an old key can go, everything that it sealed is sealed anew, person by person.',
  },
  {
    name: 'find_api_key',
    takes: 'uuid',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'Whose key a request comes with, before there is a tenant; it says nothing else of the key.',
  },
  {
    name: 'find_own_tenants',
    takes: '',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'A person who works for several tenants chooses by their names; it sees those of the person that is set.',
  },
  {
    name: 'find_members_with_totp',
    takes: '',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'Managers see who has a second factor, and nothing of it; it sees members of the tenant that is set.',
  },
  {
    name: 'find_idle_imports',
    takes: 'integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'The clock wakes imports that nobody works on, whosever they are.',
  },
  {
    name: 'find_tenants_to_purge',
    takes: 'integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'The clock clears what is past its time, tenant by tenant.',
  },
  {
    name: 'find_due_numbers',
    takes: 'boolean, integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'The clock wakes numbers that have something to send, whosever they are.',
  },
  {
    name: 'find_open_campaigns',
    takes: 'integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'The clock starts what is due and finishes what is done, whosever it is.',
  },
  {
    name: 'find_tenants_in_doubt',
    takes: 'integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'The clock settles messages whose lease or settle window is over.',
  },
  {
    name: 'find_tenants_with_events',
    takes: 'integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'The clock wakes tenants whose webhook events nobody is at.',
  },
  {
    name: 'find_tenants_with_old_events',
    takes: 'integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'The clock clears raw events past their time, tenant by tenant.',
  },
  {
    name: 'find_silent_numbers',
    takes: 'integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'The fleet raises an alarm when a partner falls silent, whosever messages it is about.',
  },
  {
    name: 'find_tenants_to_reseal',
    takes: 'text, uuid, integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'Before an old key can go, everything that it sealed is sealed anew, tenant by tenant.',
  },
  {
    name: 'find_accounts_to_sync',
    takes: 'integer',
    owner: 'parley_finder',
    callers: ['parley_app'],
    because: 'Once a day every account’s templates are compared with Meta’s.',
  },
  {
    name: 'claim_partner_route',
    takes: 'text, text',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'A number or account belongs to one tenant in the whole installation.',
  },
  {
    name: 'release_partner_route',
    takes: 'text, text',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'A tenant gives up its own route, and no other’s.',
  },
  {
    name: 'find_partner_routes',
    takes: 'text, text[]',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'A webhook names a number: whose it is, before there is a tenant.',
  },
  {
    name: 'store_unrouted_events',
    takes: 'text, text[], text[], text[]',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'Nothing is answered 200 that is not stored, even if it leads to nobody.',
  },
  {
    name: 'purge_unrouted_events',
    takes: 'integer',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'Raw events that lead to nobody are kept for a week.',
  },
  {
    name: 'reserve_portfolio_people',
    takes: 'text, integer, text[]',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'The 24 h limit is shared by tenants that may not see one another.',
  },
  {
    name: 'purge_audit_entries',
    takes: 'integer',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'The audit log is kept for two years; its policy shows this function nothing younger.',
  },
  {
    name: 'purge_sign_in_signals',
    takes: 'integer',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'Signals are kept for two years; their policy shows this function nothing younger.',
  },
  {
    name: 'record_person_deed',
    takes: 'boolean, text, text, uuid, text, text, jsonb, uuid',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'What happens to a person’s account is written down for every tenant of theirs; it sees no other person.',
  },
  {
    name: 'take_points',
    takes: 'bytea[], double precision[], double precision[], double precision[], double precision[]',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'The processes of the API share one bucket for each caller, whoever calls.',
  },
  {
    name: 'begin_attempt',
    takes: 'bytea, bytea, bytea, bytea, integer, integer, interval, interval, interval, interval',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'Attempts at an account are counted before anybody is signed in.',
  },
  {
    name: 'end_attempt',
    takes: 'bytea, bytea, bytea, bytea, boolean',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'What succeeded is not held against its account or network.',
  },
  {
    name: 'purge_limits',
    takes: '',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'Counts are kept as long as they can matter.',
  },
  {
    name: 'analyze_messages',
    takes: '',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'A launch writes more rows than Postgres knows of: it must, before anything is sent.',
  },
  {
    name: 'portfolio_use',
    takes: 'text',
    owner: 'parley_queue',
    callers: ['parley_app'],
    because: 'How much of the shared 24 h limit is taken: a count, no person.',
  },
  {
    name: 'enqueue_job',
    takes: 'text, json, text, timestamp with time zone, integer, integer',
    owner: 'parley_queue',
    callers: ['parley_app', 'parley_queue'],
    because: 'A job is stored with the rows it is about; the queue’s tables are closed to the application.',
  },
  {
    name: 'queue_revision',
    takes: '',
    owner: 'parley_queue',
    callers: ['parley_app', 'parley_queue'],
    because: 'Readiness asks how far the queue’s own schema is.',
  },
] as const satisfies readonly PowerfulFunction[];

type FinderName = Extract<(typeof powerfulFunctions)[number], { owner: 'parley_finder' }>['name'];

/** A policy in the words of the catalogue. */
export type Policy = { name: string; command: string; role: string; using: string; withCheck: string | null };

/** The approved policies of a table: exactly these, in exactly these words. */
export function policiesOf(table: Table): Policy[] {
  const found = { name: 'finder', command: 'SELECT', role: 'parley_finder', using: 'true', withCheck: null };
  return [
    ...ownPolicies(table),
    ...sellerPolicy(table),
    ...purgePolicy(table),
    ...deedsPolicy(table),
    ...(table.foundBy ? [found] : []),
  ];
}

/** On top of the others: with no seller set it holds for every row. */
function sellerPolicy(table: Table): Policy[] {
  if (!('assignedBy' in table) || !table.assignedBy) return [];
  const which = `((assigned_to IS NULL) OR COALESCE((assigned_to = ${idOf(table.assignedBy)}), true))`;
  return [{ name: 'seller', command: 'ALL RESTRICTIVE', role: 'public', using: which, withCheck: which }];
}

/** The audit log takes entries from a function on behalf of a person: for tenants of that person. */
function deedsPolicy({ name }: Table): Policy[] {
  if (name !== 'audit_entries') return [];
  const withCheck = `(tenant_id IN ( SELECT m.tenant_id
   FROM memberships m
  WHERE (m.user_id = ( SELECT (NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid AS "nullif"))))`;
  return [{ name: 'deeds', command: 'ALL', role: 'parley_queue', using: 'false', withCheck }];
}

function purgePolicy(table: Table): Policy[] {
  const age = goneAfter(table);
  if (age === undefined) return [];
  const using = `(at < (now() - '${age}'::interval))`;
  return [{ name: 'purge', command: 'ALL', role: 'parley_queue', using, withCheck: 'false' }];
}

function goneAfter(table: Table): string | undefined {
  return 'appendOnly' in table && table.appendOnly && 'goneAfter' in table.appendOnly
    ? table.appendOnly.goneAfter
    : undefined;
}

/** Evaluated once a statement, thanks to the sub-select; '' and not NULL after the setting's first use on a connection. */
const idOf = (setting: string) =>
  `( SELECT (NULLIF(current_setting('${setting}'::text, true), ''::text))::uuid AS "nullif")`;

const is = (column: string, setting: string) => `(${column} = ${idOf(setting)})`;

/** The person's own, and what others may do where the rows are shared. */
function personPolicies(personOf: string, shared: SharedPerson): Policy[] {
  const own = is(personOf, 'app.user_id');
  const ofTenant = is('tenant_id', 'app.tenant_id');
  const read = { command: 'SELECT', withCheck: null };
  const app = { role: 'parley_app' };
  if (shared === 'kept by the tenant') {
    return [
      { name: 'person', ...read, role: 'public', using: own },
      { name: 'tenant', ...read, ...app, using: ofTenant },
      { name: 'joining', command: 'INSERT', ...app, using: '', withCheck: `(${ofTenant} AND ${own})` },
      { name: 'changing', command: 'UPDATE', ...app, using: ofTenant, withCheck: ofTenant },
      { name: 'ending', command: 'DELETE', ...app, using: ofTenant, withCheck: null },
    ];
  }
  const colleagues = `(EXISTS ( SELECT
   FROM memberships m
  WHERE ((m.tenant_id = ${idOf('app.tenant_id')}) AND (m.user_id = users.id))))`;
  return [
    { name: 'person', command: 'ALL', role: 'public', using: own, withCheck: own },
    ...(shared === 'read by colleagues' ? [{ name: 'colleague', ...read, ...app, using: colleagues }] : []),
  ];
}

type SharedPerson = Extract<Table, { class: 'person' }>['shared'];

function ownPolicies(table: Table): Policy[] {
  const rows = (name: string, role: string, which: string) => [
    { name, command: 'ALL', role, using: which, withCheck: which },
  ];
  switch (table.class) {
    case 'tenant':
      return rows('tenant', 'public', is('tenant_id', 'app.tenant_id'));
    case 'tenant itself':
      return rows('tenant', 'public', is('id', 'app.tenant_id'));
    case 'person':
      return personPolicies(table.personOf, table.shared);
    case 'system':
      return rows('fleet', 'parley_queue', 'true');
    case 'exempt':
      return [];
  }
}

/** The approved grants of a table, by role. Whoever is not named has none. */
export function grantsOf(table: Table): Record<string, string[]> {
  return {
    ...ownGrants(table),
    ...(goneAfter(table) === undefined ? {} : { parley_queue: ['DELETE', 'SELECT'] }),
    ...(table.name === 'audit_entries' ? { parley_queue: ['DELETE', 'INSERT', 'SELECT'] } : {}),
    ...(table.readBy ? { [table.readBy]: ['SELECT'] } : {}),
    ...(table.foundBy ? { parley_finder: ['SELECT'] } : {}),
    ...(table.analyzedBy ? { [table.analyzedBy]: ['MAINTAIN'] } : {}),
  };
}

function ownGrants(table: Table): Record<string, string[]> {
  const everything = ['DELETE', 'INSERT', 'SELECT', 'UPDATE'];
  const withoutDelete = ['INSERT', 'SELECT', 'UPDATE'];
  switch (table.class) {
    case 'tenant':
      return { parley_app: table.appendOnly ? ['INSERT', 'SELECT'] : everything };
    case 'tenant itself':
      return { parley_app: withoutDelete };
    case 'person':
      if (table.appendOnly) return { parley_app: ['INSERT', 'SELECT'] };
      return { parley_app: table.personOf === 'id' ? withoutDelete : everything };
    case 'system':
      return { parley_queue: everything };
    case 'exempt':
      return { parley_app: ['SELECT'] };
  }
}
