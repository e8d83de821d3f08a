import { foldText } from '../text.ts';
import { restore } from '../../csv/cells.ts';
import { aliases, aliasesByCountry, identifying, type ImportField, manyColumns, type Target } from './fields.ts';
import { ImportFailure } from './import-failure.ts';

/** A column of a file, and what it is taken for; null: it is ignored. */
export type Column = {
  /** Unique in the file. */
  name: string;
  /** As it stands in the file. */
  header: string;
  target: Target | null;
  isGuessed: boolean;
};

/** What the client said about a column. */
export type ColumnMapping = { column: string } & Target;

export type KnownCustomField = { key: string; label: string };

/** The columns that our own error files add: they come back with a corrected file and mean nothing. */
export const errorColumns = ['error_line', 'error'] as const;

/**
 * Makes the header a list of columns: what the client said goes first, the rest is guessed by its name. Columns of the same name are
 * told apart by a number, those without a name by their place. Throws when the mapping names a column that is not there, or when no
 * column says who a person is.
 */
export function readColumns(
  header: readonly string[],
  mapping: readonly ColumnMapping[],
  customFields: readonly KnownCustomField[],
  country: string,
): Column[] {
  const columns = nameColumns(header);
  const said = applyMapping(columns, mapping, customFields);
  const taken = new Set(said.map(keyOf));
  for (const column of columns) {
    if (column.target || isErrorColumn(column.header)) continue;
    const target = guess(column.header, customFields, country);
    if (!target || isTaken(target, taken)) continue;
    taken.add(keyOf(target));
    Object.assign(column, { target, isGuessed: true });
  }
  if (!columns.some(({ target }) => target && 'field' in target && identifying.has(target.field))) {
    throw new ImportFailure(
      'NO_IDENTITY_COLUMN',
      'No column says who a person is. Map one of them to PHONE, EXTERNAL_ID, WHATSAPP_USER_ID or USERNAME. ' +
        `The file has these columns: ${list(columns.map(({ name }) => name))}.`,
      1,
    );
  }
  return columns;
}

export function isErrorColumn(header: string): boolean {
  return (errorColumns as readonly string[]).includes(header.toLowerCase());
}

function nameColumns(cells: readonly string[]): Column[] {
  const used = new Set<string>();
  return cells.map((cell, index) => {
    const header = restore(cell.trim()).slice(0, 200);
    const name = header || `(column ${index + 1})`;
    let unique = name;
    for (let count = 2; used.has(unique); count += 1) unique = `${name} (${count})`;
    used.add(unique);
    return { name: unique, header, target: null, isGuessed: false };
  });
}

/** Names are taken to the letter; when that finds nothing, without regard to case and accents. */
function applyMapping(
  columns: Column[],
  mapping: readonly ColumnMapping[],
  customFields: readonly KnownCustomField[],
): Target[] {
  const unknown: string[] = [];
  const unknownFields: string[] = [];
  const said = mapping.map(({ column: name, ...target }) => {
    const wanted = name.trim();
    const found =
      columns.find((column) => column.name === wanted) ??
      columns.find((column) => foldText(column.name) === foldText(wanted));
    if (!found) unknown.push(wanted);
    if ('customField' in target && !customFields.some(({ key }) => key === target.customField)) {
      unknownFields.push(target.customField);
    }
    if (found) Object.assign(found, { target });
    return target;
  });
  if (unknown.length > 0) {
    throw new ImportFailure(
      'UNKNOWN_COLUMN',
      `The mapping names columns that the file does not have: ${list(unknown)}. ` +
        `It has: ${list(columns.map(({ name }) => name))}.`,
      1,
    );
  }
  if (unknownFields.length > 0) {
    throw new ImportFailure(
      'UNKNOWN_CUSTOM_FIELD',
      `The mapping names custom fields that are not there: ${list(unknownFields)}.`,
    );
  }
  return said;
}

function guess(cell: string, customFields: readonly KnownCustomField[], country: string): Target | undefined {
  const exact = cell.trim();
  const folded = foldHeader(cell);
  const custom =
    customFields.find(({ key }) => key === exact) ??
    customFields.find(({ key, label }) => foldHeader(label) === folded || foldHeader(key) === folded);
  if (custom) return { customField: custom.key };
  const field = aliasesByCountry[country]?.[folded] ?? fieldByAlias.get(folded);
  return field && { field };
}

const fieldByAlias = new Map<string, ImportField>(
  Object.entries(aliases).flatMap(([field, names]) => names.split(', ').map((name) => [name, field as ImportField])),
);

/** `E-mail`, `e_mail` and `eMail` are one name. */
function foldHeader(text: string): string {
  const words = text.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2');
  return foldText(words)
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

const keyOf = (target: Target) => ('field' in target ? target.field : `custom:${target.customField}`);

function isTaken(target: Target, taken: ReadonlySet<string>): boolean {
  if ('field' in target && manyColumns.has(target.field)) return false;
  return taken.has(keyOf(target));
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => `“${name.slice(0, 60)}”`);
  return `${shown.join(', ')}${names.length > shown.length ? ` and ${names.length - shown.length} more` : ''}`;
}
