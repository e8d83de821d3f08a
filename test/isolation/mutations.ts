import type { CheckName } from '../../prisma/catalogue.ts';
import { foreignKeys } from '../../prisma/catalogue/keys.ts';
import { policiesOf, type Table, tables } from '../../prisma/tables.ts';
import type { Connection } from '../sql.ts';

/** Damage to one wall: the SQL that does it, the rule that must notice, and how it names what is broken. */
export type Mutation = { damage: string; seenBy: CheckName; as: string };

/** Every policy, every FORCE and every key of the tenants' tables, damaged one at a time. */
export async function mutationsOfEveryTable({ sql }: Connection): Promise<Mutation[]> {
  const walled = tables.filter(({ class: kind }) => kind !== 'exempt');
  const links = (await foreignKeys(sql)).filter(({ pairs }) => pairs.some((pair) => pair.startsWith('tenant_id=')));
  const owned = walled.filter(({ tenantOf }) => tenantOf === 'tenant_id');
  return [
    ...walled.flatMap(ofPolicies),
    ...walled.flatMap(({ name }): Mutation[] => [
      { damage: `alter table "${name}" disable row level security`, seenBy: 'rowSecurityIsForced', as: name },
      { damage: `alter table "${name}" no force row level security`, seenBy: 'rowSecurityIsForced', as: name },
      {
        damage: `grant truncate on "${name}" to parley_app`,
        seenBy: 'grantsAreApproved',
        as: `not approved: ${name} to parley_app`,
      },
    ]),
    ...owned.flatMap(({ name }): Mutation[] => [
      {
        damage: `alter table "${name}" drop constraint "${name}_pkey" cascade; alter table "${name}" alter tenant_id drop not null`,
        seenBy: 'tenantColumns',
        as: `${name}.tenant_id`,
      },
      {
        damage: `alter table "${name}" drop constraint "${name}_pkey" cascade`,
        seenBy: 'primaryKeysBeginWithTheTenant',
        as: name,
      },
    ]),
    ...links.flatMap(({ name, child, parent, pairs, onDelete }): Mutation[] => {
      const gone = `alter table "${child}" drop constraint "${name}"`;
      const columns = pairs.map((pair) => pair.split('=')).filter(([column]) => column !== 'tenant_id');
      if (columns.length === 0) return [];
      const [from, to] = [0, 1].map((side) => columns.map((pair) => `"${pair[side]}"`).join(', '));
      const [held] = columns.map(([column]) => `${child}.${column}`);
      const personal = columns.every(([column]) => column === 'user_id'); // held by another key, to users
      return [
        ...(personal ? [] : [{ damage: gone, seenBy: 'idsAreHeld' as const, as: `not approved: ${held}` }]),
        {
          damage: `${gone}; alter table "${parent}" add unique (${to});
            alter table "${child}" add constraint "${name}" foreign key (${from}) references "${parent}" (${to}) on delete ${onDelete}`,
          seenBy: 'foreignKeysHoldTheTenant',
          as: name,
        },
      ];
    }),
  ];
}

function ofPolicies(table: Table): Mutation[] {
  const seenBy = 'policiesAreApproved';
  const { name } = table;
  return [
    ...policiesOf(table).flatMap((policy): Mutation[] => [
      { damage: `drop policy "${policy.name}" on "${name}"`, seenBy, as: `missing: ${name}: ${policy.name}` },
      {
        damage: `alter policy "${policy.name}" on "${name}" ${policy.command === 'INSERT' ? 'with check' : 'using'} (not false)`,
        seenBy,
        as: `not approved: ${name}: ${policy.name}`,
      },
    ]),
    {
      damage: `create policy "also" on "${name}" for select to parley_app using (true)`,
      seenBy,
      as: `not approved: ${name}: also`,
    },
  ];
}

/** One of each other kind of damage. */
export const otherMutations: readonly Mutation[] = [
  { damage: 'create table loot (id uuid)', seenBy: 'tablesAreListed', as: 'not approved: loot' },
  { damage: 'create table loot (id uuid)', seenBy: 'rowSecurityIsForced', as: 'loot' },
  {
    damage: 'create schema elsewhere; create table elsewhere.loot (id uuid)',
    seenBy: 'tablesAreListed',
    as: 'not approved: elsewhere.loot',
  },
  { damage: 'drop table segments', seenBy: 'tablesAreListed', as: 'missing: segments' },
  {
    damage: 'alter table _prisma_migrations enable row level security',
    seenBy: 'rowSecurityIsForced',
    as: 'no longer needs its exemption: _prisma_migrations',
  },
  { damage: 'create view loot as select * from contacts', seenBy: 'viewsAskAsTheirCaller', as: 'loot' },
  {
    damage: 'create view loot with (security_invoker = off) as select * from contacts',
    seenBy: 'viewsAskAsTheirCaller',
    as: 'loot',
  },
  { damage: 'create materialized view loot as select * from contacts', seenBy: 'nothingCopiesRowsOut', as: 'loot' },
  {
    damage: `create foreign data wrapper far; create server far foreign data wrapper far; create foreign table loot (id uuid) server far`,
    seenBy: 'nothingCopiesRowsOut',
    as: 'loot',
  },
  {
    damage: 'create rule loot as on insert to contacts do also notify loot',
    seenBy: 'nothingCopiesRowsOut',
    as: 'loot on contacts',
  },
  { damage: 'create publication loot for table contacts', seenBy: 'nothingCopiesRowsOut', as: 'loot (publication)' },
  {
    damage: `alter role parley_app set app.tenant_id = '00000000-0000-0000-0000-000000000000'`,
    seenBy: 'nothingIsSetBeforehand',
    as: 'parley_app: app.tenant_id',
  },
  {
    damage: `alter role parley_app set row_security = off`,
    seenBy: 'nothingIsSetBeforehand',
    as: 'parley_app: row_security',
  },

  // Keys.
  { damage: 'alter table dead_jobs add tenant_id uuid', seenBy: 'tenantColumns', as: 'not approved: dead_jobs' },
  {
    damage: 'alter table tags alter tenant_id set default gen_random_uuid()',
    seenBy: 'tenantColumns',
    as: 'tags.tenant_id',
  },
  {
    damage: 'create unique index loot on contacts (external_id)',
    seenBy: 'uniqueIndexesBeginWithTheTenant',
    as: 'loot',
  },
  {
    damage: 'create unique index loot on contacts (lower(email))',
    seenBy: 'uniqueIndexesBeginWithTheTenant',
    as: 'loot',
  },
  {
    damage: 'alter table segments add unique (id, tenant_id)',
    seenBy: 'uniqueIndexesBeginWithTheTenant',
    as: 'segments_id_tenant_id_key',
  },
  {
    damage:
      'alter table tags add maker uuid; alter table tags add constraint loot foreign key (maker) references users (id)',
    seenBy: 'foreignKeysHoldTheTenant',
    as: 'loot: from tenant to person',
  },
  {
    damage: `alter table contact_tags drop constraint contact_tags_tenant_id_tag_id_fkey;
      alter table contact_tags add constraint loot foreign key (tenant_id, tag_id) references tags (tenant_id, id) not valid`,
    seenBy: 'foreignKeysAreInForce',
    as: 'loot',
  },
  {
    damage: 'alter table contact_tags alter constraint contact_tags_tenant_id_tag_id_fkey not enforced',
    seenBy: 'foreignKeysAreInForce',
    as: 'contact_tags_tenant_id_tag_id_fkey',
  },
  {
    damage: 'alter table contact_tags disable trigger all',
    seenBy: 'foreignKeysAreInForce',
    as: 'contact_tags_tenant_id_tag_id_fkey',
  },
  { damage: 'alter table tags add maker uuid', seenBy: 'idsAreHeld', as: 'not approved: tags.maker' },
  { damage: 'alter table uploads drop created_by', seenBy: 'idsAreHeld', as: 'missing: uploads.created_by' },
  {
    damage: 'alter table segments drop constraint segments_tenant_id_fkey',
    seenBy: 'everyRowHasItsTenant',
    as: 'segments',
  },
  {
    damage: `alter table contacts drop constraint contacts_tenant_id_merged_into_id_fkey;
      alter table contacts add constraint loot foreign key (tenant_id, merged_into_id) references contacts (tenant_id, id) on delete set null`,
    seenBy: 'settingNullSparesTheTenant',
    as: 'loot',
  },
  {
    damage: 'drop index contact_notes_origin_idx',
    seenBy: 'foreignKeysHaveAnIndex',
    as: 'contact_notes_tenant_id_origin_contact_id_fkey',
  },
  { damage: 'create table "_AToB" ("A" uuid, "B" uuid)', seenBy: 'noHiddenJoinTables', as: '_AToB' },
  {
    damage: `create type mood as enum ('GOOD'); alter table contacts add mood mood`,
    seenBy: 'comparisonsUseIndexes',
    as: 'contacts.mood',
  },
  {
    damage: `create type mood as enum ('GOOD'); alter table contacts add moods mood[]`,
    seenBy: 'comparisonsUseIndexes',
    as: 'contacts.moods',
  },
  {
    damage: 'alter table segments alter updated_at type timestamptz(6)',
    seenBy: 'orderColumnsAreExact',
    as: 'segments.updated_at',
  },
  {
    damage: 'alter table tags alter created_at drop not null',
    seenBy: 'orderColumnsAreExact',
    as: 'tags.created_at',
  },
  {
    damage: `alter table tags add note_id uuid;
      alter table tags add constraint loot foreign key (tenant_id, note_id) references contact_notes (tenant_id, id)`,
    seenBy: 'erasureGoesFromLeafToRoot',
    as: 'tags refers to contact_notes',
  },
  {
    damage: 'alter table consent_entries drop constraint consent_entries_tenant_id_contact_id_fkey',
    seenBy: 'erasureGoesFromLeafToRoot',
    as: 'consent_entries does not go with its parent',
  },

  // Privileges.
  ...['superuser', 'bypassrls', 'createrole', 'createdb', 'replication'].map((power) => ({
    damage: `create role intruder ${power} in role parley_app`,
    seenBy: 'rolesAreWeak' as const,
    as: 'intruder',
  })),
  { damage: 'alter role parley_finder login', seenBy: 'rolesAreWeak', as: 'parley_finder' },
  ...['parley_owner', 'parley_finder', 'parley_queue', 'pg_read_all_data', 'pg_execute_server_program'].map((role) => ({
    damage: `create role intruder in role parley_app, ${role}`,
    seenBy: 'rolesAreWeak' as const,
    as: `intruder in ${role}`,
  })),
  { damage: 'grant pg_read_all_data to parley_app', seenBy: 'rolesAreWeak', as: 'parley_app in pg_read_all_data' },
  {
    damage: 'alter table contacts owner to parley_app',
    seenBy: 'nothingIsOwned',
    as: 'contacts of parley_app',
  },
  {
    damage: 'create schema loot authorization parley_app',
    seenBy: 'nothingIsOwned',
    as: 'loot (schema) of parley_app',
  },
  ...['truncate', 'references', 'trigger', 'maintain'].map((privilege) => ({
    damage: `grant ${privilege} on contacts to parley_app`,
    seenBy: 'grantsAreApproved' as const,
    as: 'not approved: contacts to parley_app',
  })),
  {
    damage: 'grant update on consent_entries to parley_app',
    seenBy: 'grantsAreApproved',
    as: 'not approved: consent_entries to parley_app: INSERT, SELECT, UPDATE',
  },
  {
    damage: 'grant delete on consent_entries to parley_app',
    seenBy: 'grantsAreApproved',
    as: 'not approved: consent_entries to parley_app: DELETE, INSERT, SELECT',
  },
  {
    damage: 'grant select on contacts to public',
    seenBy: 'grantsAreApproved',
    as: 'not approved: contacts to PUBLIC: SELECT',
  },
  {
    damage: 'grant update (granted) on consent_entries to parley_app',
    seenBy: 'grantsAreApproved',
    as: 'consent_entries.granted (column)',
  },
  {
    damage: 'alter default privileges in schema public grant all on tables to parley_app',
    seenBy: 'grantsAreApproved',
    as: 'default for public',
  },
  {
    damage: 'grant usage on schema graphile_worker to parley_app',
    seenBy: 'schemasAreClosed',
    as: 'parley_app reaches the queue',
  },
  {
    damage: 'grant create on schema public to parley_app',
    seenBy: 'schemasAreClosed',
    as: 'parley_app may create in public',
  },
  {
    damage: 'grant create on schema public to public',
    seenBy: 'schemasAreClosed',
    as: 'parley_finder may create in public',
  },
  {
    damage: `create function loot() returns bigint language sql security definer set search_path = pg_catalog, pg_temp
      return (select count(*) from public.contacts)`,
    seenBy: 'powerfulFunctionsAreApproved',
    as: 'not approved: loot()',
  },
  {
    damage: 'alter function find_sign_in(text) reset search_path',
    seenBy: 'powerfulFunctionsAreApproved',
    as: 'not approved: find_sign_in(text)',
  },
  {
    damage: 'alter function find_sign_in(text) owner to parley_owner',
    seenBy: 'powerfulFunctionsAreApproved',
    as: 'not approved: find_sign_in(text) of parley_owner',
  },
  {
    damage: 'grant execute on function find_sign_in(text) to public',
    seenBy: 'powerfulFunctionsAreApproved',
    as: 'not approved: find_sign_in(text)',
  },
  {
    damage: 'drop function find_sign_in(text)',
    seenBy: 'powerfulFunctionsAreApproved',
    as: 'missing: find_sign_in(text)',
  },
  {
    damage: `create or replace function find_sign_in(address_key text) returns table (user_id uuid, password_hash text, tenant_id uuid)
      language sql security definer set search_path = pg_catalog, pg_temp as 'select id, null::text, tenant_id from public.contacts'`,
    seenBy: 'findersLookWhereTheyMay',
    as: 'not approved: find_sign_in reads contacts',
  },
];
