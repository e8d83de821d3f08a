import type { CsvRecord } from '../../csv/scan.ts';
import { restore } from '../../csv/cells.ts';
import type { Checked, ValueProblemCode } from '../checked.ts';
import type { ConsentPurpose } from '../consent.ts';
import {
  checkAddressPart,
  checkCountry,
  checkEmail,
  checkExternalId,
  checkIdentity,
  checkLanguage,
  checkName,
  checkPhone,
  checkTagName,
  type Identity,
  identitiesPerContactMax,
  tagsPerContactMax,
} from '../contact-fields.ts';
import { checkCustomText, type CustomFieldShape, type CustomValue } from '../custom-values.ts';
import { checkBirthDate } from '../dates.ts';
import type { Column } from './columns.ts';
import { identifying, type ImportField } from './fields.ts';

export const plainFields = ['name', 'email', 'language', 'street', 'city', 'region', 'postalCode', 'country'] as const;
export type PlainField = (typeof plainFields)[number];

/** One record of the file, as it would be stored; null is an empty cell, which changes nothing. */
export type GoodRecord = {
  /** Counted from 1, the header left out. */
  record: number;
  line: number;
  cells: string[];
  identities: Identity[];
  externalId: string | null;
  fields: Record<PlainField | 'birthDate', string | null>;
  tags: { name: string; nameKey: string }[];
  customFields: Record<string, CustomValue> | null;
  consents: { purpose: ConsentPurpose; granted: boolean }[];
};

/** Why a record was failed or skipped. Codes are part of the API and of the error file: they are added, never renamed. */
export type ProblemCode =
  | ValueProblemCode
  | 'STRAY_QUOTE'
  | 'TOO_MANY_CELLS'
  | 'TOO_MANY_VALUES'
  | 'NO_IDENTITY'
  | 'EMPTY_RECORD'
  | 'DUPLICATE'
  | 'KNOWN'
  | 'SEVERAL_CONTACTS'
  | 'OTHER_EXTERNAL_ID';

export type Problem = {
  column: string | null;
  value: string | null;
  code: ProblemCode;
  message: string;
  expected: string | null;
};

/** A record that is not stored, and why. */
export type Rejected = {
  record: number;
  line: number;
  cells: string[];
  outcome: 'FAILED' | 'SKIPPED';
  problems: Problem[];
};

export type CheckRules = {
  columns: readonly Column[];
  customFields: ReadonlyMap<string, CustomFieldShape>;
  /** Local numbers are of this country, unless the record names its own. */
  defaultCountry: string;
  cellBytesMax: number;
  /** ISO: nobody is born later. */
  today: string;
};

/** Checks records by the rules that the API has for contacts. */
export function createRecordCheck(rules: CheckRules): (raw: CsvRecord, record: number) => GoodRecord | Rejected {
  const { columns } = rules;
  const readers = columns
    .map((column, index) => ({ column, index, read: readerOf(column, rules) }))
    .filter(({ read }) => read !== undefined)
    .sort((a, b) => orderOf(a.column) - orderOf(b.column));
  const identityColumn = columns.find(({ target }) => target && 'field' in target && identifying.has(target.field));

  return (raw, record) => {
    const { cells, line } = raw;
    const reject = (outcome: Rejected['outcome'], problems: Problem[]): Rejected => {
      return { record, line, cells, outcome, problems };
    };
    if (raw.isBroken) return reject('FAILED', [strayQuote]);
    if (cells.length > columns.length && cells.slice(columns.length).some((cell) => cell.trim() !== '')) {
      return reject('FAILED', [tooManyCells(columns.length)]);
    }
    const draft = newDraft(record, line, cells);
    const problems: Problem[] = [];
    for (const { column, index, read } of readers) {
      const cell = cells[index];
      if (cell === undefined || cell === '' || !read) continue;
      const text = restore(cell);
      const isTooLong = text.length > rules.cellBytesMax || Buffer.byteLength(text) > rules.cellBytesMax;
      const problem = isTooLong ? cellTooLong(rules.cellBytesMax) : read(text, draft);
      if (problem) problems.push({ column: column.name, value: text, ...problem });
    }
    const unnamed = joinNames(draft);
    if (unnamed) problems.push(unnamed);
    if (problems.length > 0) return reject('FAILED', problems);
    if (draft.externalId === null && draft.identities.length === 0) {
      if (cells.every((cell) => cell.trim() === '')) return reject('SKIPPED', [emptyRecord]);
      return reject('FAILED', [{ ...noIdentity, column: identityColumn?.name ?? null }]);
    }
    return draft;
  };
}

type Draft = GoodRecord & { firstName: string | null; lastName: string | null };
type Found = Omit<Problem, 'column' | 'value'> | undefined;
/** Reads one cell into the draft, or says what is wrong with it. */
type Reader = (text: string, draft: Draft) => Found;

function newDraft(record: number, line: number, cells: string[]): Draft {
  return {
    record,
    line,
    cells,
    identities: [],
    externalId: null,
    fields: {
      name: null,
      email: null,
      language: null,
      street: null,
      city: null,
      region: null,
      postalCode: null,
      country: null,
      birthDate: null,
    },
    tags: [],
    customFields: null,
    consents: [],
    firstName: null,
    lastName: null,
  };
}

/** A name in two columns is one name; a whole name beside its parts stands for itself. */
function joinNames({ fields, firstName, lastName }: Draft): Problem | undefined {
  if (firstName === null && lastName === null) return undefined;
  if (firstName !== null && fields.name !== null) return undefined;
  const whole = [firstName ?? fields.name, lastName].filter((part) => part !== null).join(' ');
  const { value, problem } = checkName(whole);
  if (problem) return { column: null, value: whole, ...problem };
  fields.name = value;
  return undefined;
}

/** The record's country is read before its phones. */
function orderOf({ target }: Column): number {
  return target && 'field' in target && target.field === 'COUNTRY' ? 0 : 1;
}

function readerOf({ target }: Column, rules: CheckRules): Reader | undefined {
  if (!target) return undefined;
  if ('customField' in target) return readCustomField(target.customField, rules);
  return readerOfField(target.field, rules);
}

function readerOfField(field: ImportField, rules: CheckRules): Reader | undefined {
  const plain = (name: PlainField, check: (raw: string) => Checked<string | null>): Reader => {
    return (text, draft) => {
      const { value, problem } = check(text);
      if (value) draft.fields[name] = value;
      return problem;
    };
  };
  switch (field) {
    case 'NAME':
      return plain('name', checkName);
    case 'FIRST_NAME':
      return (text, draft) => {
        const { value, problem } = checkName(text);
        if (value) draft.firstName = value;
        return problem;
      };
    case 'LAST_NAME':
      return (text, draft) => {
        const { value, problem } = checkName(text);
        if (value) draft.lastName = value;
        return problem;
      };
    case 'PHONE':
      return (text, draft) => readPhone(text, draft, rules.defaultCountry);
    case 'EMAIL':
      return plain('email', checkEmail);
    case 'EXTERNAL_ID':
      return (text, draft) => {
        const { value, problem } = checkExternalId(text);
        if (value) draft.externalId = value;
        return problem;
      };
    case 'WHATSAPP_USER_ID':
    case 'USERNAME':
      return (text, draft) => {
        if (text.trim() === '') return undefined;
        const { value, problem } = checkIdentity(field, text, rules.defaultCountry);
        if (value) addIdentity(draft, value);
        return problem;
      };
    case 'TAGS':
      return readTags;
    case 'BIRTH_DATE':
      return (text, draft) => {
        const { value, problem } = checkBirthDate(text, { dayFirst: isDayFirst(rules), latest: rules.today });
        if (value) draft.fields.birthDate = value;
        return problem;
      };
    case 'LANGUAGE':
      return plain('language', checkLanguage);
    case 'STREET':
      return plain('street', checkAddressPart);
    case 'CITY':
      return plain('city', checkAddressPart);
    case 'REGION':
      return plain('region', checkAddressPart);
    case 'POSTAL_CODE':
      return plain('postalCode', checkAddressPart);
    case 'COUNTRY':
      return plain('country', checkCountry);
    case 'MARKETING_CONSENT':
      return readConsent('MARKETING');
    case 'SERVICE_CONSENT':
      return readConsent('SERVICE');
    case 'IGNORE':
      return undefined;
  }
}

/** A local number is one of the record's own country, where that makes it a number; else of the file's. */
function readPhone(text: string, draft: Draft, defaultCountry: string): Found {
  const { country } = draft.fields;
  const own = country && country !== defaultCountry ? checkPhone(text, country) : undefined;
  const { value, problem } = own?.value ? own : checkPhone(text, defaultCountry);
  if (value) addIdentity(draft, value);
  if (draft.identities.length > identitiesPerContactMax) return tooManyValues(identitiesPerContactMax, 'identities');
  return problem;
}

function addIdentity(draft: Draft, identity: Identity): void {
  const isKnown = draft.identities.some(
    ({ kind, matchKey }) => kind === identity.kind && matchKey === identity.matchKey,
  );
  if (!isKnown) draft.identities.push(identity);
}

function readTags(text: string, draft: Draft): Found {
  for (const part of text.split(/[,;|\n]/)) {
    if (part.trim() === '') continue;
    const { value, problem } = checkTagName(part);
    if (problem) return problem;
    if (value && !draft.tags.some(({ nameKey }) => nameKey === value.nameKey)) draft.tags.push(value);
  }
  return draft.tags.length > tagsPerContactMax ? tooManyValues(tagsPerContactMax, 'tags') : undefined;
}

function readCustomField(key: string, rules: CheckRules): Reader | undefined {
  const shape = rules.customFields.get(key);
  if (!shape) return undefined; // it was deleted since the file was first read
  const dates = { dayFirst: isDayFirst(rules) };
  return (text, draft) => {
    const { value, problem } = checkCustomText(shape, text, dates);
    if (value !== null && value !== undefined) draft.customFields = { ...draft.customFields, [key]: value };
    return problem;
  };
}

const yesOrNo: CustomFieldShape = { type: 'BOOLEAN', options: [] };

function readConsent(purpose: ConsentPurpose): Reader {
  return (text, draft) => {
    const { value, problem } = checkCustomText(yesOrNo, text);
    if (typeof value === 'boolean') draft.consents.push({ purpose, granted: value });
    return problem;
  };
}

/** 03/04/1990 is the third of April, but for the United States and the Philippines. */
function isDayFirst({ defaultCountry }: CheckRules): boolean {
  return defaultCountry !== 'US' && defaultCountry !== 'PH';
}

const strayQuote: Problem = {
  column: null,
  value: null,
  code: 'STRAY_QUOTE',
  message: 'A quote closes in the midst of a cell.',
  expected: 'quotes around the whole cell, and those inside doubled',
};
const emptyRecord: Problem = {
  column: null,
  value: null,
  code: 'EMPTY_RECORD',
  message: 'All its cells are empty.',
  expected: null,
};
const noIdentity: Problem = {
  column: null,
  value: null,
  code: 'NO_IDENTITY',
  message: 'Nothing says who this person is.',
  expected: 'a telephone number or an external id',
};
const tooManyCells = (columns: number): Problem => ({
  column: null,
  value: null,
  code: 'TOO_MANY_CELLS',
  message: 'It has more cells than the header has columns.',
  expected: `${columns} cells; a cell that holds the delimiter stands in quotes`,
});
const cellTooLong = (bytesMax: number) => ({
  code: 'TOO_LONG' as const,
  message: 'It is too long.',
  expected: `at most ${bytesMax} bytes`,
});
export const tooManyValues = (max: number, what: string) => ({
  code: 'TOO_MANY_VALUES' as const,
  message: `The contact would have too many ${what}.`,
  expected: `at most ${max}`,
});
