import { randomInt } from 'node:crypto';
import { getNamedType } from 'graphql';
import type { UserTokenPurpose } from '../../domain/auth/user-tokens.ts';
import { schema } from '../../schema/index.ts';
import { globalId, type Person } from '../fixtures.ts';
import { keepSecretsOf, noteOutput } from '../leaks/note.ts';
import { calls, makers, type Variables } from './calls.ts';
import { newCanary } from './fill.ts';
import { type RootField, rootFields, selectionOf } from './schema-walk.ts';

export const roots = new Map(rootFields(schema).map((root) => [root.name, root]));

/** What came back over HTTP, whole. */
export type Answer = {
  status: number;
  headers: string;
  body: string;
  data: Record<string, unknown> | null;
  errors: { message: string; extensions: Record<string, unknown> }[];
};

/** A tenant that uses the API, and remembers what it said and what it was told. */
export type Tenant = {
  person: Person;
  canary: string;
  /** A text, a word or a phone that nobody else has. Everything said is remembered in `secrets`. */
  text(label: string): string;
  word(label: string): string;
  phone(): string;
  secrets: Set<string>;
  /** One of the own objects of a type; it is made when there is none. */
  id(type: string): Promise<string>;
  /** A new object of a type. */
  make(type: string): Promise<string>;
  /** The ids of own objects that were ever answered, by type. */
  ids: Map<string, Set<string>>;
  customValue(): Promise<Variables>;
  /** A number at the simulator of Meta that nobody has connected yet: the token to its account. */
  newNumber(): { accessToken: string };
  /** The token of a link as it would be mailed: to the person, whose address is then not proven; or to a colleague who lost the password. */
  mailedToken(person: Person, purpose: UserTokenPurpose): Promise<string>;
  send(query: string, variables: Variables): Promise<Answer>;
  /** Calls a root field and insists on success; reads everything of its answer the first time, and less of it later. */
  call(name: string, variables?: Variables): Promise<{ answer: Answer; result: Record<string, unknown> }>;
  /** What it has read by its calls, as `Type.field`. */
  read: Set<string>;
};

/** What a tenant gets from elsewhere than the API. */
export type Outside = Pick<Tenant, 'newNumber' | 'mailedToken'>;

/** The operation of a root field that reads everything of its answer; `read` names what that is. */
export function operationOf(root: RootField, depth = 2): { query: string; read: string[] } {
  const read = [`${root.operation === 'query' ? 'Query' : 'Mutation'}.${root.name}`];
  const selection = selectionOf(schema, getNamedType(root.field.type), depth, (field) => read.push(field));
  const args = root.field.args.filter(({ name }) => !['last', 'before'].includes(name));
  const declared = args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const given = args.map(({ name }) => `${name}: $${name}`).join(', ');
  const inParentheses = (list: string) => (list === '' ? '' : `(${list})`);
  return {
    query: `${root.operation} ${inParentheses(declared)} { ${root.name}${inParentheses(given)} ${selection} }`,
    read,
  };
}

/** A tenant of somebody who has signed up. With the voice of another one, it says the very same things. */
export function createTenant(url: string, person: Person, voice?: Tenant, outside?: Outside): Tenant {
  const canary = voice?.canary ?? newCanary();
  const spoken = voice ? [...voice.secrets] : undefined;
  const secrets = new Set<string>();
  const called = new Set<string>();
  let count = 0;
  const say = (words: string) => {
    const said = spoken ? (spoken[count] ?? words) : words;
    count += 1;
    secrets.add(said);
    return said;
  };
  const ids = new Map([['User', new Set([globalId('User', person.userId)])]]); // of people only the own is a user to a person
  let customValue: Variables | undefined;
  const nothingOutside = () => {
    throw new Error('Nothing outside answers this tenant.');
  };

  const tenant: Tenant = {
    person,
    canary,
    secrets,
    ids,
    read: new Set(),
    text: (label) => say(`${canary} ${label} ${count}`),
    word: (label) => say(`${canary}_${label}_${count}`),
    phone: () => say(`+55119${String(randomInt(100_000_000)).padStart(8, '0')}`),
    async id(type) {
      return ids.get(type)?.values().next().value ?? tenant.make(type);
    },
    async make(type) {
      const name = makers[type] ?? '';
      const variables = await calls[name]?.(tenant);
      if (!variables) throw new Error(`Nothing makes a ${type}: say it in test/isolation/calls.ts.`);
      const { result } = await tenant.call(name, variables);
      return idIn(result, type);
    },
    newNumber: outside?.newNumber ?? voice?.newNumber ?? nothingOutside,
    mailedToken: outside?.mailedToken ?? voice?.mailedToken ?? nothingOutside,
    async customValue() {
      if (customValue) return customValue; // a tenant may have 100 fields
      const { result } = await tenant.call('customFieldCreate', await calls['customFieldCreate']?.(tenant));
      const [option] = result['options'] as string[];
      return (customValue = { key: result['key'], value: option });
    },
    async send(query, variables) {
      const answer = await post(url, person.accessToken, query, variables);
      remember(answer.data, ids);
      return answer;
    },
    async call(name, variables = {}) {
      const root = roots.get(name);
      if (!root) throw new Error(`There is no ${name} in the schema.`);
      const { query, read } = operationOf(root, called.has(name) ? 1 : 2);
      const answer = await tenant.send(query, variables);
      const result = answer.data?.[name] as Record<string, unknown> | null | undefined;
      if (answer.errors.length > 0 || !isSuccess(result)) throw new Error(`${name} did not work: ${answer.body}`);
      called.add(name);
      for (const field of read) tenant.read.add(field);
      return { answer, result: result ?? {} };
    },
  };
  return tenant;
}

/** Whether an answer is what was asked for, and no typed error. */
export function isSuccess(result: unknown): boolean {
  const { __typename: type = '' } = (result ?? {}) as { __typename?: string };
  return result !== null && result !== undefined && !type.endsWith('Error');
}

async function post(url: string, accessToken: string, query: string, variables: Variables): Promise<Answer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(accessToken ? { authorization: `Bearer ${accessToken}` } : {}),
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = withoutCost(await response.text());
  keepSecretsOf(variables);
  const { data = null, errors = [] } = JSON.parse(body) as Partial<Pick<Answer, 'data' | 'errors'>>;
  keepSecretsOf(data);
  if (errors.length > 0) noteOutput('errors', JSON.stringify(errors));
  return { status: response.status, headers: JSON.stringify([...response.headers]), body, data, errors };
}

/** The id of what was made: the answer’s own, or of the object of that type in it. */
function idIn(result: Record<string, unknown>, type: string): string {
  const inner = Object.values(result).find((value) => (value as Variables | null)?.['__typename'] === type);
  return String(result['id'] ?? (inner as Variables | undefined)?.['id']);
}

/** What is left to spend differs from one request to the next. */
const withoutCost = (body: string) => body.replace(/,"extensions":\{"cost":\{[^}]*\}\}\}$/, '}');

/** Notes the id of every object in an answer. */
function remember(value: unknown, ids: Map<string, Set<string>>): void {
  if (typeof value !== 'object' || value === null) return;
  const { __typename: type, id } = value as { __typename?: unknown; id?: unknown };
  if (typeof type === 'string' && typeof id === 'string') {
    ids.set(type, (ids.get(type) ?? new Set()).add(id));
  }
  for (const inner of Object.values(value)) remember(inner, ids);
}
