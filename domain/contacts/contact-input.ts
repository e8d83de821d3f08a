import type { Tx } from '../../prisma/client.ts';
import { problems } from '../errors.ts';
import type { Checked } from './checked.ts';
import {
  addressParts,
  checkAddressPart,
  checkCountry,
  checkEmail,
  checkExternalId,
  checkIdentity,
  checkLanguage,
  checkName,
  identitiesPerContactMax,
  type Identity,
  type IdentityKind,
} from './contact-fields.ts';
import { checkCustomValue, type CustomFieldType, type CustomValue } from './custom-values.ts';
import { checkBirthDate, isoDate } from './dates.ts';

type Maybe<T> = T | null | undefined;

/** What a client says about a contact: what is undefined stays as it is, null clears. */
export type ContactInput = {
  name?: Maybe<string>;
  email?: Maybe<string>;
  externalId?: Maybe<string>;
  birthDate?: Maybe<Date>;
  language?: Maybe<string>;
  address?: Maybe<{ [Part in (typeof addressParts)[number] | 'country']?: Maybe<string> }>;
  /** The first of the phones. */
  phone?: Maybe<string>;
  /** All identities; with `phone`, those beside it. */
  identities?: Maybe<{ kind: IdentityKind; value: string }[]>;
  customFields?: Maybe<{ key: string; value?: unknown }[]>;
};

/** An identity and where it stood in the input. */
export type GivenIdentity = Identity & { path: string };

/** A contact's input as it is stored. Keys that are not there stay as they are. */
export type CheckedContact = {
  fields: ContactFields;
  phone: GivenIdentity | null | undefined;
  identities: GivenIdentity[] | undefined;
  customFields: Map<string, CustomValue | null>;
};

export type ContactFields = {
  [Field in 'name' | 'email' | 'externalId' | 'language' | (typeof addressParts)[number] | 'country']?: string | null;
} & { birthDate?: Date | null };

const textChecks = {
  name: checkName,
  email: checkEmail,
  externalId: checkExternalId,
  language: checkLanguage,
};

/** Checks everything a client says about a contact; throws everything that is wrong at once. */
export async function checkContact(tx: Tx, tenantId: string, input: ContactInput, now: Date): Promise<CheckedContact> {
  const found = problems();
  const settle = <T>(path: string, checked: Checked<T>): T | undefined => {
    if (!checked.problem) return checked.value;
    found.add(path, `${checked.problem.message} Expected ${checked.problem.expected}.`);
    return undefined;
  };
  const fields: ContactFields = {};
  const setText = (
    field: Exclude<keyof ContactFields, 'birthDate'>,
    path: string,
    given: Maybe<string>,
    check: (raw: string) => Checked<string | null>,
  ) => {
    if (given !== undefined) fields[field] = settle(path, check(given ?? '')) ?? null;
  };

  for (const [field, check] of Object.entries(textChecks)) {
    setText(field as keyof typeof textChecks, field, input[field as keyof typeof textChecks], check);
  }
  const { address } = input;
  if (address !== undefined) {
    for (const part of addressParts) {
      setText(part, `address.${part}`, address === null ? null : address[part], checkAddressPart);
    }
    setText('country', 'address.country', address === null ? null : address.country, checkCountry);
  }
  if (input.birthDate !== undefined) {
    const date = input.birthDate;
    const checked = date && settle('birthDate', checkBirthDate(isoDate(date), { latest: isoDate(now) }));
    fields.birthDate = checked ? new Date(checked) : null;
  }

  const country = hasPhone(input) ? await defaultCountry(tx, tenantId) : '';
  const readIdentity = (kind: IdentityKind, raw: string, path: string): GivenIdentity | undefined => {
    const identity = settle(path, checkIdentity(kind, raw, country));
    return identity && { ...identity, path };
  };
  const phone = input.phone?.trim()
    ? readIdentity('PHONE', input.phone, 'phone')
    : input.phone === undefined
      ? undefined
      : null;
  const identities = readIdentities(input, found, readIdentity);
  const customFields = await checkCustomFields(tx, tenantId, input.customFields ?? [], found, settle);
  found.throwIfAny();
  return { fields, phone, identities, customFields };
}

function hasPhone({ phone, identities }: ContactInput): boolean {
  return Boolean(phone) || (identities ?? []).some(({ kind }) => kind === 'PHONE');
}

/** Local numbers are of the tenant's country. */
async function defaultCountry(tx: Tx, tenantId: string): Promise<string> {
  const { country } = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { country: true } });
  return country;
}

function readIdentities(
  { identities }: ContactInput,
  found: ReturnType<typeof problems>,
  read: (kind: IdentityKind, raw: string, path: string) => GivenIdentity | undefined,
): GivenIdentity[] | undefined {
  if (identities === undefined) return undefined;
  if (identities && identities.length > identitiesPerContactMax) {
    found.add('identities', `Expected at most ${identitiesPerContactMax} identities.`);
    return undefined;
  }
  return (identities ?? []).flatMap(({ kind, value }, index) => read(kind, value, `identities.${index}.value`) ?? []);
}

/**
 * Checks values against the tenant's fields, whose rows stay locked until the transaction ends: a field that is being deleted takes the
 * values written before with it, and accepts none after.
 */
async function checkCustomFields(
  tx: Tx,
  tenantId: string,
  given: { key: string; value?: unknown }[],
  found: ReturnType<typeof problems>,
  settle: <T>(path: string, checked: Checked<T>) => T | undefined,
): Promise<Map<string, CustomValue | null>> {
  const values = new Map<string, CustomValue | null>();
  if (given.length === 0) return values;
  const keys = [...new Set(given.map(({ key }) => key))].filter((key) => isKey(key));
  const rows = await tx.$queryRaw<{ key: string; type: CustomFieldType; options: string[] }[]>`
    select key, type, options from custom_fields
     where tenant_id = ${tenantId}::uuid and key = any(${keys}::text[]) and deleted_at is null order by key for share`;
  const fields = new Map(rows.map((row) => [row.key, row]));
  for (const [index, { key, value }] of given.entries()) {
    const field = fields.get(key);
    if (!field) found.add(`customFields.${index}.key`, 'Expected the key of a custom field.');
    else if (values.has(key)) found.add(`customFields.${index}.key`, 'Expected each field once.');
    else values.set(key, settle(`customFields.${index}.value`, checkCustomValue(field, value)) ?? null);
  }
  return values;
}

/** What may name a custom field: also what may go into a statement. */
export function isKey(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]{0,62}$/.test(text);
}
