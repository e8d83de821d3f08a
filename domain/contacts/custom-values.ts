import { type Checked, noValue, refusal } from './checked.ts';
import { checkDate, type DateRules } from './dates.ts';
import { checkLongText, foldText } from './text.ts';

export const customFieldTypes = ['TEXT', 'NUMBER', 'BOOLEAN', 'DATE', 'SELECT'] as const;
export type CustomFieldType = (typeof customFieldTypes)[number];

/** What a check needs to know of a field. */
export type CustomFieldShape = { type: CustomFieldType; options: readonly string[] };
/** As it stands in `contacts.custom_fields`: a DATE is YYYY-MM-DD. */
export type CustomValue = string | number | boolean;

export const customTextLengthMax = 2_000;

const numberExpected = 'a number as 1234.5';
const notANumber = refusal('INVALID_NUMBER', 'It is not a number.', numberExpected);
const numberTooLong = refusal(
  'INVALID_NUMBER',
  'It has more digits than can be kept exactly.',
  'a number of at most 15 digits',
);
const ambiguousNumber = refusal('AMBIGUOUS_NUMBER', 'Its separator may mean thousands or decimals.', numberExpected);
const notABoolean = refusal('INVALID_BOOLEAN', 'It is neither yes nor no.', 'true or false');
const wrongType = {
  TEXT: refusal('INVALID_TYPE', 'It is not a text.', 'a text'),
  NUMBER: refusal('INVALID_TYPE', 'It is not a number.', numberExpected),
  BOOLEAN: refusal('INVALID_TYPE', 'It is not a boolean.', 'true or false'),
  DATE: refusal('INVALID_TYPE', 'It is not a date.', 'a date as "1990-05-17"'),
  SELECT: refusal('INVALID_TYPE', 'It is not a text.', 'one of the options of the field'),
};

/** A value from a cell: whatever people write for a type; null when it is empty. */
export function checkCustomText(
  field: CustomFieldShape,
  raw: string,
  rules: DateRules = {},
): Checked<CustomValue | null> {
  switch (field.type) {
    case 'TEXT':
      return checkLongText(raw, customTextLengthMax);
    case 'NUMBER':
      return readNumber(raw.trim());
    case 'BOOLEAN':
      return readBoolean(raw.trim());
    case 'DATE':
      return checkDate(raw, rules);
    case 'SELECT':
      return readOption(field, raw.trim());
  }
}

/** A value from JSON: of the field's own type, nothing is guessed; null clears. */
export function checkCustomValue(field: CustomFieldShape, given: unknown): Checked<CustomValue | null> {
  if (given === null || given === undefined) return noValue;
  if (field.type === 'NUMBER') {
    if (typeof given !== 'number' || !Number.isFinite(given)) return wrongType.NUMBER;
    return Math.abs(given) > Number.MAX_SAFE_INTEGER ? numberTooLong : { value: given };
  }
  if (field.type === 'BOOLEAN') return typeof given === 'boolean' ? { value: given } : wrongType.BOOLEAN;
  if (typeof given !== 'string') return wrongType[field.type];
  if (field.type === 'DATE' && !/^\d{4}-\d\d-\d\d$/.test(given.trim()) && given.trim() !== '') return wrongType.DATE;
  return checkCustomText(field, given);
}

const plainNumber = /^[+-]?\d+(?:\.\d+)?$/;
const decimalComma = /^[+-]?(?:\d+,(?:\d{1,2}|\d{4,})|0,\d+)$/; // 1,234 is left: nobody can tell
const pointsAndComma = /^[+-]?\d{1,3}(?:\.\d{3})+,\d+$/;
const commasAndPoint = /^[+-]?\d{1,3}(?:,\d{3})+\.\d+$/;

function readNumber(text: string): Checked<number | null> {
  if (text === '') return noValue;
  if (plainNumber.test(text)) return exact(text);
  if (decimalComma.test(text)) return exact(text.replace(',', '.'));
  if (pointsAndComma.test(text)) return exact(text.replaceAll('.', '').replace(',', '.'));
  if (commasAndPoint.test(text)) return exact(text.replaceAll(',', ''));
  return /^[+-]?\d{1,3}(?:(?:,\d{3})+|(?:\.\d{3}){2,})$/.test(text) ? ambiguousNumber : notANumber;
}

function exact(text: string): Checked<number> {
  const digits = text.replace(/^[+-]?0*/, '').replace('.', '');
  return digits.length > 15 ? numberTooLong : { value: Number(text) + 0 };
}

const truths = new Map<string, boolean>([
  ...['true', 't', 'yes', 'y', '1', 'sim', 's', 'si', 'verdadeiro', 'verdadero', 'evet', 'e', 'doğru', 'ya', 'on'].map(
    (word) => [foldText(word), true] as const,
  ),
  ...['false', 'f', 'no', 'n', '0', 'não', 'falso', 'hayır', 'h', 'yanlış', 'tidak', 'tak', 'off'].map(
    (word) => [foldText(word), false] as const,
  ),
]);

function readBoolean(text: string): Checked<boolean | null> {
  if (text === '') return noValue;
  const value = text.length <= 12 ? truths.get(foldText(text)) : undefined;
  return value === undefined ? notABoolean : { value };
}

function readOption(field: CustomFieldShape, text: string): Checked<string | null> {
  if (text === '') return noValue;
  if (field.options.includes(text)) return { value: text };
  const folded = foldText(text);
  const value = field.options.find((option) => foldText(option) === folded);
  if (value !== undefined) return { value };
  return refusal(
    'INVALID_OPTION',
    'It is not one of the options.',
    `one of: ${field.options.slice(0, 10).join(', ')}${field.options.length > 10 ? ', …' : ''}`,
  );
}
