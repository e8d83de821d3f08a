import { type Checked, noValue, refusal } from './checked.ts';

export type DateRules = {
  /** Which of 03/04/1990 is the day; unknown: such a date is refused as ambiguous. */
  dayFirst?: boolean | undefined;
  /** ISO; the last day that is accepted. */
  latest?: string | undefined;
};

const expected = 'a date as 1990-05-17';
const notADate = refusal('INVALID_DATE', 'It is not a date.', expected);
const outOfRange = refusal('INVALID_DATE', 'It is a date outside of the possible range.', expected);
const ambiguous = refusal(
  'AMBIGUOUS_DATE',
  'Day and month cannot be told apart.',
  `${expected}, or the order of day and month said for the file`,
);

// Spreadsheets add a midnight to dates; any other time of day makes it something else than a date.
const iso = /^(\d{4})([-/.]?)(\d{2})\2(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00:?00)?)?$/;
const local = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?: 0{1,2}:00(?::00)?)?$/;

/** A calendar date as people and spreadsheets write it -> YYYY-MM-DD. Two-digit years are refused: nobody can tell the century. */
export function checkDate(raw: string, rules: DateRules = {}): Checked<string | null> {
  const text = raw.trim();
  if (text === '') return noValue;
  const byYear = iso.exec(text);
  if (byYear) return calendarDate(Number(byYear[1]), Number(byYear[3]), Number(byYear[4]), rules);
  const byDay = local.exec(text);
  if (!byDay) return notADate;
  const [one, two, year] = [Number(byDay[1]), Number(byDay[3]), Number(byDay[4])];
  if (one > 12) return calendarDate(year, two, one, rules);
  if (two > 12) return calendarDate(year, one, two, rules);
  if (one !== two && rules.dayFirst === undefined) return ambiguous;
  return rules.dayFirst ? calendarDate(year, two, one, rules) : calendarDate(year, one, two, rules);
}

/** Somebody's birthday: not before 1900, not after `latest`. */
export function checkBirthDate(raw: string, rules: DateRules = {}): Checked<string | null> {
  const checked = checkDate(raw, rules);
  return checked.value && checked.value < '1900-01-01' ? outOfRange : checked;
}

/** A day of the UTC calendar as ISO text. */
export function isoDate(date: Date): string {
  return date.toISOString().slice(0, 10);
}

function calendarDate(year: number, month: number, day: number, { latest }: DateRules): Checked<string> {
  if (year < 1000 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return notADate;
  const value = `${year}-${month < 10 ? '0' : ''}${month}-${day < 10 ? '0' : ''}${day}`;
  return latest !== undefined && value > latest ? outOfRange : { value };
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
