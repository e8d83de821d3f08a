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
  /** A role whose function may have its statistics brought up to date. */
  analyzedBy?: 'parley_queue';
  /** Columns that hold the id of something and have no foreign key, and why. */
  loose?: Readonly<Record<string, string>>;
} & (
  | {
      /** A tenant's rows: seen and written with that tenant set, and only then. */
      class: 'tenant';
      /** The application adds rows and never changes or removes them: they go with their parent, by the foreign key. */
      appendOnly?: { with: string; because: string };
    }
  | { class: 'tenant itself'; because: string }
  | {
      /** A person's rows: seen and written by whoever is signed in as that person. */
      class: 'person';
      personOf: 'id' | 'user_id';
      because: string;
    }
  | {
      /** The fleet's own rows, out of the application's reach. */
      class: 'system';
      because: string;
    }
  | { class: 'exempt'; because: string }
);

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
    loose: { import_id: 'Where it came from: stays true when the import has been cleared away.' },
  },
  { name: 'custom_fields', class: 'tenant', tenantOf: 'tenant_id' },
  { name: 'tags', class: 'tenant', tenantOf: 'tenant_id' },

  // What the API remembers of requests.
  { name: 'idempotency_keys', class: 'tenant', tenantOf: 'tenant_id', foundBy: ['find_tenants_to_purge'] },

  // People and their places in tenants.
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
    because: 'Read to find out who is asking and where that person works, before there is a tenant.',
    foundBy: ['find_sign_in'],
  },
  {
    name: 'users',
    class: 'person',
    personOf: 'id',
    tenantOf: null,
    because: 'A person belongs to no tenant and outlives each of them.',
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

  { name: 'tenants', class: 'tenant itself', tenantOf: 'id', because: 'The root: its own id is the tenant.' },

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
  return [...ownPolicies(table), ...(table.foundBy ? [found] : [])];
}

function ownPolicies(table: Table): Policy[] {
  // Evaluated once a statement, thanks to the sub-select; '' and not NULL after the setting's first use on a connection.
  const is = (column: string, setting: string) =>
    `(${column} = ( SELECT (NULLIF(current_setting('${setting}'::text, true), ''::text))::uuid AS "nullif"))`;
  const rows = (name: string, role: string, which: string) => [
    { name, command: 'ALL', role, using: which, withCheck: which },
  ];
  switch (table.class) {
    case 'tenant':
      return rows('tenant', 'public', is('tenant_id', 'app.tenant_id'));
    case 'tenant itself':
      return rows('tenant', 'public', is('id', 'app.tenant_id'));
    case 'person':
      return rows('person', 'public', is(table.personOf, 'app.user_id'));
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
      return { parley_app: table.personOf === 'id' ? withoutDelete : everything };
    case 'system':
      return { parley_queue: everything };
    case 'exempt':
      return { parley_app: ['SELECT'] };
  }
}
