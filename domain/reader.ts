import { type FieldProblem, InvalidInputError } from './errors.ts';

/** Makes a typed value of foreign JSON, or throws what is wrong with it and where. */
export type Reader<T> = (value: unknown, path: string) => T;

type Shape = Record<string, Reader<unknown>>;
type Some<S extends Shape> = { [K in keyof S]?: ReturnType<S[K]> };
type All<S extends Shape> = { [K in keyof S]: ReturnType<S[K]> };
type One<S extends Shape> = { [K in keyof S]: { [Only in K]: ReturnType<S[K]> } }[keyof S];

export function refuse(path: string, message: string): never {
  throw new InvalidInputError([problem(path, message)]);
}

const problem = (path: string, message: string): FieldProblem => ({ path, message });

/** An object that holds exactly one of these keys. */
export function oneOf<S extends Shape>(shape: S): Reader<One<S>> {
  const read = keysOf(shape);
  const expected = `Expected exactly one of ${Object.keys(shape).join(', ')}.`;
  return (value, path) => {
    const found = read(value, path);
    return Object.keys(found).length === 1 ? (found as One<S>) : refuse(path, expected);
  };
}

/** An object that holds at least one of these keys. */
export function someOf<S extends Shape>(shape: S): Reader<Some<S>> {
  const read = keysOf(shape);
  const expected = `Expected at least one of ${Object.keys(shape).join(', ')}.`;
  return (value, path) => {
    const found = read(value, path);
    return Object.keys(found).length > 0 ? found : refuse(path, expected);
  };
}

/** An object that holds all of these keys, and maybe some of those. */
export function allOf<R extends Shape, O extends Shape>(required: R, optional: O): Reader<All<R> & Some<O>> {
  const read = keysOf({ ...required, ...optional });
  return (value, path) => {
    const found = read(value, path);
    const missing = Object.keys(required).filter((key) => !(key in found));
    if (missing.length > 0)
      throw new InvalidInputError(missing.map((key) => problem(`${path}.${key}`, 'It is missing.')));
    return found as All<R> & Some<O>;
  };
}

/** An object that holds no other keys than these; a null is as good as nothing. */
function keysOf<S extends Shape>(shape: S): Reader<Some<S>> {
  const readers = new Map(Object.entries(shape));
  const expected = `Expected no other keys than ${Object.keys(shape).join(', ')}.`; // a wrong key is the client's own text: not repeated
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(path, 'Expected an object.');
    const given = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
    const entries = all(given, ([key, member]) => {
      const read = readers.get(key) ?? refuse(path, expected);
      return [key, read(member, `${path}.${key}`)] as const;
    });
    return Object.fromEntries(entries) as Some<S>;
  };
}

/** A list of at least one and at most so many. */
export function listOf<T>(read: Reader<T>, max: number): Reader<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > max) {
      return refuse(path, `Expected a list of 1 to ${max}.`);
    }
    return all(
      value.map((element: unknown, index) => [element, index] as const),
      ([element, index]) => read(element, `${path}.${index}`),
    );
  };
}

/** A text that Postgres can hold. */
export function text(lengthMax: number): Reader<string> {
  return (value, path) => {
    if (typeof value !== 'string' || value.length === 0 || value.length > lengthMax) {
      return refuse(path, `Expected a text of 1 to ${lengthMax} characters.`);
    }
    if (value.includes('\0') || !value.isWellFormed()) {
      refuse(path, 'Expected a text without U+0000 and without broken surrogates.');
    }
    return value;
  };
}

export const flag: Reader<boolean> = (value, path) =>
  typeof value === 'boolean' ? value : refuse(path, 'Expected true or false.');

export function choice<T extends string>(values: readonly T[]): Reader<T> {
  return (value, path) => values.find((one) => one === value) ?? refuse(path, `Expected one of ${values.join(', ')}.`);
}

export function wholeNumber(min: number, max: number): Reader<number> {
  return (value, path) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? value
      : refuse(path, `Expected a whole number from ${min} to ${max}.`);
}

/** Reads every item, so that everything that is wrong is said at once. */
function all<Item, T>(items: readonly Item[], read: (item: Item) => T): T[] {
  const problems: FieldProblem[] = [];
  const values: T[] = [];
  for (const item of items) {
    try {
      values.push(read(item));
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      problems.push(...error.fields);
    }
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  return values;
}
