import { identitiesPerContactMax, type Identity, tagsPerContactMax } from '../contact-fields.ts';
import { type GoodRecord, type Problem, type Rejected, tooManyValues } from './check-record.ts';

export type OnConflict = 'UPDATE' | 'SKIP' | 'FAIL';

/** What the database knows of the people in a page of records. */
export type Known = {
  /** Identity key -> the contact it leads to. */
  contactByKey: ReadonlyMap<string, string>;
  /** Contact or (in a dry run) identity key -> the line of this file that spoke for it first. */
  lineByClaim: ReadonlyMap<string, number>;
  /** Contact -> its external id, its e-mail address. */
  externalIdOf: ReadonlyMap<string, string | null>;
  emailOf: ReadonlyMap<string, string | null>;
  /** Of contacts that may become too full: how many identities, and the keys of the tags. */
  identityCountOf: ReadonlyMap<string, number>;
  tagsOf: ReadonlyMap<string, ReadonlySet<string>>;
};

export type Create = { contactId: string; record: GoodRecord };
export type Update = {
  contactId: string;
  record: GoodRecord;
  newIdentities: Identity[];
  /** Filled in where the contact has none. */
  newExternalId: string | null;
  /** Where it is another one than before. */
  newEmail: string | null;
};
export type Claim = { key: string; line: number };
export type Decision = { creates: Create[]; updates: Update[]; rejected: Rejected[]; claims: Claim[] };

/** What a person is known by, each kind in a namespace of its own. */
export function keysOf({ identities, externalId }: Pick<GoodRecord, 'identities' | 'externalId'>): string[] {
  const keys = identities.map(identityKey);
  if (externalId !== null) keys.push(externalIdKey(externalId));
  return keys;
}
export const identityKey = ({ kind, matchKey }: { kind: string; matchKey: string }) => `${kind}:${matchKey}`;
export const externalIdKey = (externalId: string) => `EXTERNAL_ID:${externalId}`;

/**
 * Decides what becomes of each record of a page, in the order of the file. The first record that is accepted speaks for its person:
 * later ones for the same person are skipped, whoever that is by then. A record that was failed or skipped speaks for nobody.
 */
export function decide(
  records: readonly GoodRecord[],
  known: Known,
  options: { onConflict: OnConflict; isDryRun: boolean; nextId: () => string },
): Decision {
  const decision: Decision = { creates: [], updates: [], rejected: [], claims: [] };
  const inPage = new Map<string, number>();
  const firstLine = (keys: Iterable<string>) => {
    let first: number | undefined;
    for (const key of keys) {
      const line = inPage.get(key) ?? known.lineByClaim.get(key);
      if (line !== undefined && (first === undefined || line < first)) first = line;
    }
    return first;
  };

  for (const record of records) {
    const keys = keysOf(record);
    const contacts = new Set<string>();
    for (const key of keys) {
      const contact = known.contactByKey.get(key);
      if (contact !== undefined) contacts.add(contact);
    }
    const earlier = firstLine([...contacts, ...keys]);
    const reject = (outcome: Rejected['outcome'], problem: Problem) => {
      const { cells, line } = record;
      decision.rejected.push({ record: record.record, line, cells, outcome, problems: [problem] });
    };
    if (earlier !== undefined) {
      reject('SKIPPED', duplicateOf(earlier));
      continue;
    }
    const [contactId, other] = contacts;
    if (other !== undefined) {
      reject('FAILED', severalContacts);
      continue;
    }
    if (contactId === undefined) {
      decision.creates.push({ contactId: options.nextId(), record });
      if (options.isDryRun) decision.claims.push(...keys.map((key) => ({ key, line: record.line })));
    } else {
      if (options.onConflict !== 'UPDATE') {
        reject(options.onConflict === 'SKIP' ? 'SKIPPED' : 'FAILED', knownAlready);
        continue;
      }
      const update = updateOf(contactId, record, known);
      if ('code' in update) {
        reject('FAILED', update);
        continue;
      }
      decision.updates.push(update);
      const claimed = options.isDryRun ? [contactId, ...keys] : [contactId];
      decision.claims.push(...claimed.map((key) => ({ key, line: record.line })));
    }
    for (const key of [...contacts, ...keys]) inPage.set(key, record.line);
  }
  return decision;
}

/** What a record adds to a contact, or why it must not. */
function updateOf(contactId: string, record: GoodRecord, known: Known): Update | Problem {
  const { externalId } = record;
  const newIdentities = record.identities.filter((identity) => !known.contactByKey.has(identityKey(identity)));
  const newExternalId = externalId !== null && known.contactByKey.has(externalIdKey(externalId)) ? null : externalId;
  if (newExternalId !== null && (known.externalIdOf.get(contactId) ?? null) !== null) return otherExternalId;
  const identityCount = (known.identityCountOf.get(contactId) ?? 0) + newIdentities.length;
  if (identityCount > identitiesPerContactMax) return tooMany(identitiesPerContactMax, 'identities');
  const tags = known.tagsOf.get(contactId);
  const newTags = record.tags.filter(({ nameKey }) => !tags?.has(nameKey)).length;
  if (tags && tags.size + newTags > tagsPerContactMax) return tooMany(tagsPerContactMax, 'tags');
  const { email } = record.fields;
  const newEmail = email === known.emailOf.get(contactId) ? null : email;
  return { contactId, record, newIdentities, newExternalId, newEmail };
}

const whole = { column: null, value: null };
const tooMany = (max: number, what: string): Problem => ({ ...whole, ...tooManyValues(max, what) });
const duplicateOf = (line: number): Problem => ({
  ...whole,
  code: 'DUPLICATE',
  message: `Line ${line} spoke for the same person before.`,
  expected: 'each person once',
});
const severalContacts: Problem = {
  ...whole,
  code: 'SEVERAL_CONTACTS',
  message: 'Its telephone and its external id, or two of its telephones, belong to different contacts.',
  expected: 'one person; or merge the contacts first',
};
const knownAlready: Problem = {
  ...whole,
  code: 'KNOWN',
  message: 'There is such a contact already.',
  expected: 'people who are not known yet, as the import was asked for',
};
const otherExternalId: Problem = {
  ...whole,
  code: 'OTHER_EXTERNAL_ID',
  message: 'The contact with this telephone has another external id.',
  expected: 'the contact’s own external id, or an empty cell',
};
