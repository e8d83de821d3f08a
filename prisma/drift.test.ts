import { createTestDatabase, expect, test } from '../test/fixtures.ts';
import { connect } from '../test/sql.ts';
import { describeDatabase, missingFrom } from './catalogue/describe.ts';
import { diffSchema, readSchema } from './schema-engine.ts';
import { policiesOf, powerfulFunctions, tables } from './tables.ts';

/** What the migrations add to Prisma's schema in SQL. Something new belongs here; what is gone must leave. */
const addedBySql = [
  // Generated, so that no writer can forget it.
  'column contacts.name_key',
  'function fold_text(text)',

  // Where a message stands, one rule for every writer.
  'function message_status(text,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone,timestamp with time zone)',

  // Unlogged, which Prisma cannot say.
  'relation attempt_counts',
  'relation cost_buckets',

  // Of the queue; runs as its caller.
  'function bury_dead_jobs(text)',

  // A membership stays its person's.
  'function refuse_another_member()',
  'trigger memberships_stay on memberships',

  // Partial indexes.
  'index audit_entries_actor_idx',
  'index audit_entries_target_idx',
  'index campaigns_assigned_idx',
  'index campaigns_open_idx',
  'index invitations_open_idx',
  'index messages_campaign_idx',
  'index messages_open_idx',
  'index messages_queue_idx',
  'index messages_trouble_idx',
  'index messages_wamid_idx',
  'index templates_name_idx',
  'index webhook_events_due_idx',
  'index contact_identities_origin_idx',
  'index contact_imports_once_idx',
  'index contact_imports_open_idx',
  'index contact_notes_origin_idx',
  'index contact_tags_origin_idx',
  'index contacts_assigned_idx',
  'index contacts_merged_into_idx',
  'index dead_jobs_open_key_idx',

  // A foreign key that empties one of its two columns.
  'constraint campaigns_assigned_to_fkey on campaigns',
  'constraint contacts_assigned_to_fkey on contacts',

  // Statuses are text with a CHECK.
  'constraint api_keys_revoked_because_check on api_keys',
  'constraint attempt_counts_count_check on attempt_counts',
  'constraint audit_entries_actor_type_check on audit_entries',
  'constraint campaigns_status_check on campaigns',
  'constraint connections_external_id_check on connections',
  'constraint connections_partner_check on connections',
  'constraint connections_status_check on connections',
  'constraint messages_direction_check on messages',
  'constraint messages_open_check on messages',
  'constraint messages_queued_check on messages',
  'constraint messages_status_check on messages',
  'constraint number_paces_factor_check on number_paces',
  'constraint template_versions_format_check on template_versions',
  'constraint templates_category_check on templates',
  'constraint templates_quality_check on templates',
  'constraint templates_status_check on templates',
  'constraint whatsapp_numbers_quality_check on whatsapp_numbers',
  'constraint whatsapp_numbers_throughput_check on whatsapp_numbers',
  'constraint consent_entries_channel_check on consent_entries',
  'constraint consent_entries_purpose_check on consent_entries',
  'constraint consent_entries_source_check on consent_entries',
  'constraint contact_consents_channel_check on contact_consents',
  'constraint contact_consents_purpose_check on contact_consents',
  'constraint contact_consents_source_check on contact_consents',
  'constraint contact_identities_kind_check on contact_identities',
  'constraint contact_import_problems_outcome_check on contact_import_problems',
  'constraint contact_imports_on_conflict_check on contact_imports',
  'constraint contact_imports_status_check on contact_imports',
  'constraint contact_imports_totals_check on contact_imports',
  'constraint contacts_custom_fields_check on contacts',
  'constraint contacts_merged_into_check on contacts',
  'constraint custom_fields_type_check on custom_fields',
  'constraint idempotency_keys_status_check on idempotency_keys',
  'constraint invitations_role_check on invitations',
  'constraint memberships_role_check on memberships',
  'constraint tenants_sellers_see_campaigns_check on tenants',
  'constraint tenants_sellers_see_contacts_check on tenants',
  'constraint sign_in_signals_outcome_check on sign_in_signals',
  'constraint user_mail_choices_source_check on user_mail_choices',
  'constraint user_tokens_purpose_check on user_tokens',
  'constraint uploads_status_check on uploads',

  // The walls: their text is checked against prisma/tables.ts.
  ...tables.flatMap((table) => policiesOf(table).map(({ name }) => `policy ${name} on ${table.name}`)),
  ...powerfulFunctions.map(({ name, takes }) => `function ${name}(${takes.replaceAll(', ', ',')})`),
];

test('the migrations make what the schema files say, and what is listed as added in SQL', async ({ database }) => {
  await using fromFiles = await createTestDatabase('template0');
  await using owner = await connect(fromFiles.urls.owner);
  await owner.query(await diffSchema(await readSchema()));
  const said = await describeDatabase(owner.sql);
  await using migrated = await connect(database.urls.owner);
  const made = await describeDatabase(migrated.sql);

  expect(said.size).toBeGreaterThan(100);
  expect(missingFrom(said, made).sort()).toEqual(addedBySql.toSorted());
  expect([...said.keys()].filter((name) => !made.has(name))).toEqual([]);
});
