import { Prisma } from '../../prisma/client.ts';
import type { FieldProblem } from '../errors.ts';
import type { TemplateParameter } from '../templates/parameters.ts';

const { sql } = Prisma;

/** Fields of a contact that may fill a template, as SQL over `contacts c` and its address `a`. */
const fieldColumns = {
  NAME: sql`c.name`,
  FIRST_NAME: sql`split_part(c.name, ' ', 1)`,
  EMAIL: sql`c.email`,
  PHONE: sql`case when a.kind = 'PHONE' then a.value end`,
  LANGUAGE: sql`c.language`,
  STREET: sql`c.street`,
  CITY: sql`c.city`,
  REGION: sql`c.region`,
  POSTAL_CODE: sql`c.postal_code`,
  COUNTRY: sql`c.country`,
  EXTERNAL_ID: sql`c.external_id`,
} as const;

export type VariableField = keyof typeof fieldColumns;
export const variableFields = Object.keys(fieldColumns) as VariableField[];

/** What fills a parameter of the template: a field of the contact, a custom field by its key, or the same text for everybody. */
export type Variable = { key: string; fallback?: string } & (
  | { field: VariableField; customField?: never; value?: never }
  | { customField: string; field?: never; value?: never }
  | { value: string; field?: never; customField?: never }
);

export type VariableInput = {
  key: string;
  field?: VariableField | null | undefined;
  customField?: string | null | undefined;
  value?: string | null | undefined;
  fallback?: string | null | undefined;
};

/** Longer than what Meta takes of a whole body (reference: whatsapp-cloud-api, section 2.5). */
const valueLengthMax = 2_000;

/** Makes variables of a client's input, as far as it can be; everything that is wrong is added to `problems`. */
export function readVariables(
  input: readonly VariableInput[],
  parameters: readonly TemplateParameter[],
  customFieldKeys: ReadonlySet<string>,
  problems: FieldProblem[],
): Variable[] {
  const byKey = new Map(parameters.map((parameter) => [parameter.key, parameter]));
  const seen = new Set<string>();
  return input.flatMap((given, index): Variable[] => {
    const at = `variables.${index}`;
    const before = problems.length;
    const add = (path: string, message: string) => problems.push({ path: `${at}.${path}`, message });
    const parameter = byKey.get(given.key);
    if (!parameter) add('key', `Expected one of the template’s parameters: ${[...byKey.keys()].join(', ') || 'none'}.`);
    if (seen.has(given.key)) add('key', 'Expected each parameter once.');
    seen.add(given.key);
    const sources = [given.field, given.customField, given.value].filter((source) => isGiven(source));
    if (sources.length !== 1) {
      problems.push({ path: at, message: 'Expected exactly one of field, customField and value.' });
    }
    if (isGiven(given.customField) && !customFieldKeys.has(given.customField)) {
      add('customField', 'There is no custom field with this key.');
    }
    const isText = parameter === undefined || isTextKind(parameter.kind);
    const value = isGiven(given.value) ? readText(given.value, isText) : undefined;
    const fallback = isGiven(given.fallback) ? readText(given.fallback, isText) : undefined;
    if (value === null) add('value', expectedText);
    if (fallback === null) add('fallback', expectedText);
    if (parameter && !isText) {
      const problem =
        typeof value === 'string'
          ? mediaProblem(parameter.kind, value)
          : 'Expected a value: media are the same for everybody.';
      if (problem && value !== null) add('value', problem);
      if (fallback) add('fallback', 'Expected none: a value needs no fallback.');
    }
    if (problems.length > before) return [];
    const rest = fallback ? { fallback } : {};
    if (isGiven(given.field)) return [{ key: given.key, field: given.field, ...rest }];
    if (isGiven(given.customField)) return [{ key: given.key, customField: given.customField, ...rest }];
    return [{ key: given.key, value: value ?? '', ...rest }];
  });
}

const isGiven = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;
const isTextKind = (kind: TemplateParameter['kind']) =>
  kind === 'TEXT' || kind === 'URL_SUFFIX' || kind === 'COPY_CODE' || kind === 'OTP';
const expectedText = `Expected a text of 1 to ${valueLengthMax} characters.`;

/** A text that Postgres and Meta take; null when there is none in it. */
function readText(raw: string, isText: boolean): string | null {
  const folded = isText ? foldBlanks(raw) : raw.trim();
  const isFine = folded !== '' && folded.length <= valueLengthMax && folded.isWellFormed() && !folded.includes('\0');
  return isFine ? folded : null;
}

function mediaProblem(kind: TemplateParameter['kind'], value: string): string | undefined {
  if (kind === 'LOCATION')
    return isLocation(value) ? undefined : 'Expected JSON with latitude, longitude, name and address.';
  const isLink = value.startsWith('https://') && URL.canParse(value);
  return isLink || /^id:\d{1,32}$/.test(value)
    ? undefined
    : 'Expected an https link, or id: and the id of uploaded media.';
}

function isLocation(value: string): boolean {
  try {
    const place = JSON.parse(value) as Record<string, unknown> | null;
    return ['latitude', 'longitude', 'name', 'address'].every((part) =>
      ['string', 'number'].includes(typeof place?.[part]),
    );
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Parameters that nothing fills. */
export function unfilled(parameters: readonly TemplateParameter[], variables: readonly Variable[]): string[] {
  const filled = new Set(variables.map(({ key }) => key));
  return parameters.flatMap(({ key }) => (filled.has(key) ? [] : [key]));
}

/** Line breaks, tabs and long runs of blanks are refused by Meta in a parameter (reference: whatsapp-cloud-api, section 2.5). */
export function foldBlanks(text: string): string {
  return text.replace(/ *[\n\r\t\v\f]+[\s]*| {5,}/g, ' ').trim();
}

/** The parameters of a message as one SQL array, in the template's order; an element is null where nothing fills it. */
export function compileVariables(parameters: readonly TemplateParameter[], variables: readonly Variable[]): Prisma.Sql {
  if (parameters.length === 0) return sql`'{}'::text[]`;
  const byKey = new Map(variables.map((variable) => [variable.key, variable]));
  const values = parameters.map(({ key }) => {
    const variable = byKey.get(key);
    return variable ? compileVariable(variable) : sql`null::text`;
  });
  return sql`array[${Prisma.join(values)}]::text[]`;
}

function compileVariable(variable: Variable): Prisma.Sql {
  if (variable.value !== undefined) return sql`${variable.value}::text`;
  const source =
    variable.field === undefined
      ? sql`(c.custom_fields ->> ${variable.customField}::text)`
      : fieldColumns[variable.field];
  const folded = sql`nullif(btrim(regexp_replace(${source}, ' *[\\n\\r\\t\\v\\f]+\\s*| {5,}', ' ', 'g')), '')`;
  return variable.fallback === undefined ? folded : sql`coalesce(${folded}, ${variable.fallback}::text)`;
}

/** What the database holds was checked when it was written. */
export const storedVariables = (stored: Prisma.JsonValue) => stored as Variable[];
