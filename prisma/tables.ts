/**
 * Every table of `public`, what it is to a tenant, and who may touch it. The list is the order in which a tenant is erased, leaf to root:
 * a table stands above every table that it refers to. prisma/catalogue.ts holds the database to it.
 */
export type Table = {
  name: string;
  /** How a row says whose it is, in SQL; null where no row is any tenant's. The erasure of a tenant goes by it. */
  tenantOf: 'tenant_id' | 'id' | "(payload ->> 'tenantId')::uuid" | null;
  /** The functions that look here across tenants. */
  foundBy?: readonly FinderName[];
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
  return { ...ownGrants(table), ...(table.foundBy ? { parley_finder: ['SELECT'] } : {}) };
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
