import { globalId, rawId } from '../fixtures.ts';
import { calls, type Variables } from './calls.ts';
import type { World } from './world.ts';

/** What is another seller's: a contact with a note and a message, and a campaign. */
export async function hideFrom({ mine, newColleague }: World): Promise<Map<string, string>> {
  const other = globalId('User', (await newColleague('SELLER')).person.userId);
  const contact = await mine.make('Contact');
  const call = async (name: string, input: Variables) => (await mine.call(name, { input })).result['id'];
  const note = await call('contactNoteCreate', { contactId: contact, body: mine.text('hidden note') });
  const sent = (await calls['messageSend']?.(mine))?.['input'] as Variables;
  const message = await call('messageSend', { ...sent, contactId: contact });
  const campaign = await mine.make('Campaign');
  await mine.call('contactAssign', { input: { contactIds: [contact], userId: other } });
  await mine.call('campaignAssign', { input: { campaignId: campaign, userId: other } });
  const hidden = { Contact: contact, ContactNote: note, Message: message, Campaign: campaign };
  return new Map(Object.entries(hidden).map(([type, id]) => [type, String(id)]));
}

/** What the tables hold of these objects. (Of messages only the one: campaigns that the test's owner launches write to everybody.) */
export async function rowsOf({ superuser }: World, hidden: ReadonlyMap<string, string>): Promise<string[]> {
  const ids = [...hidden.values()].map(rawId);
  const ofContact = ['contact_notes', 'contact_identities', 'contact_tags', 'contact_consents', 'consent_entries'];
  const statements = [
    ...['contacts', 'messages', 'campaigns'].map((table) => `select t::text as row from ${table} t where id = any($1)`),
    ...ofContact.map((table) => `select t::text from ${table} t where contact_id = any($1)`),
    `select t::text from contact_merges t where source_id = any($1) or target_id = any($1)`,
  ];
  const { rows } = await superuser.query<{ row: string }>(`${statements.join(' union all ')} order by 1`, [ids]);
  return rows.map(({ row }) => row);
}

/** Every whole number and address of the first tenant's contacts that stands in a text; numbers also without their plus. */
export async function wholeIn({ superuser, mine }: World, text: string): Promise<string[]> {
  const { rows } = await superuser.query<{ value: string }>(
    `select ltrim(value, '+') as value from contact_identities where tenant_id = $1 and kind = 'PHONE' and value like '+%'
     union select email from contacts where tenant_id = $1 and email is not null`,
    [mine.person.tenantId],
  );
  return rows.map(({ value }) => value).filter((value) => text.includes(value));
}
