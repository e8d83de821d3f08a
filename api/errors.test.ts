// The trial fields come first: the schema is built when the fixtures import it.
import { thrown } from '../test/trial-fields.ts';
import { GraphQLError } from 'graphql';
import { NotFoundError, RateLimitedError } from '../domain/errors.ts';
import { createDb, inTenant, Prisma, type Tx } from '../prisma/client.ts';
import { expect, startTestApi, test } from '../test/fixtures.ts';

const secret = 'Quaresma';

/** Whatever Prisma and Postgres can say no with, each holding a value or the name of something of ours. */
const refusedByPostgres: Record<string, (tx: Tx, tenantId: string) => Promise<unknown>> = {
  'a unique key': async (tx, tenantId) => {
    const data = { tenantId, externalId: secret };
    await tx.contact.create({ data });
    await tx.contact.create({ data });
  },
  'a foreign key': (tx, tenantId) => tx.contactNote.create({ data: { tenantId, contactId: tenantId, body: secret } }),
  'a check': (tx, tenantId) => tx.customField.create({ data: { tenantId, key: secret, label: secret, type: secret } }),
  'row-level security': (tx) =>
    tx.tag.create({ data: { tenantId: '0198c1d2-7f00-7abc-8def-0123456789ab', name: secret, nameKey: secret } }),
  'a missing row': (tx, tenantId) => tx.tag.update({ where: { tenantId_id: { tenantId, id: tenantId } }, data: {} }),
  'a missing row to read': (tx) => tx.tag.findFirstOrThrow({ where: { name: secret } }),
  'a wrong argument': (tx) => tx.tag.findMany({ where: { [secret]: secret } as Prisma.TagWhereInput }),
  'an unknown table': (tx) => tx.$queryRaw`select ${secret} from ${Prisma.raw(secret)}`,
  'a missing grant': (tx) => tx.$queryRaw`select ${secret} from dead_jobs`,
  'a missing null': (tx, tenantId) =>
    tx.$executeRaw`insert into tags (tenant_id, name) values (${tenantId}::uuid, ${secret})`,
  'a function': (tx) => tx.$queryRaw`select no_such_function(${secret})`,
};

test('whatever the database says no with, a client reads nothing of it', async ({ api, db, shop }) => {
  for (const [what, run] of Object.entries(refusedByPostgres)) {
    const error: unknown = await inTenant(db, shop.tenantId, (tx) => run(tx, shop.tenantId)).catch((e: unknown) => e);
    expect(error, what).toBeInstanceOf(Error);
    thrown.set(what, error);
    const answer = await api.graphql('query ($what: String!) { trialThrow(what: $what) }', { what });
    expect(answer, what).toEqual({
      data: { trialThrow: null },
      errors: [
        {
          message: 'Something went wrong.',
          path: ['trialThrow'],
          locations: expect.any(Array),
          extensions: { code: 'INTERNAL', requestId: expect.any(String) },
        },
      ],
    });
  }
  expect(api.logLines.join('')).not.toContain(secret);
});

/** Every code that Prisma documents, of the client, the engine and its services. */
const prismaCodes = [
  ...Array.from({ length: 18 }, (_, index) => `P${1_000 + index}`),
  ...Array.from({ length: 38 }, (_, index) => `P${2_000 + index}`),
  ...Array.from({ length: 25 }, (_, index) => `P${3_000 + index}`),
  ...Array.from({ length: 12 }, (_, index) => `P${5_000 + index}`),
  ...Array.from({ length: 11 }, (_, index) => `P${6_000 + index}`),
];

test('whatever Prisma says no with, by any of its codes, a client reads nothing of it', async ({ api }) => {
  const message = `Invalid \`tx.contact.create()\` invocation: "${secret}" at postgresql://app:${secret}@db.internal:5432/parley`;
  const clientVersion = '7.10.0';
  const errors: [what: string, error: unknown][] = [
    ...prismaCodes.map((code): [string, unknown] => [
      code,
      new Prisma.PrismaClientKnownRequestError(message, {
        code,
        clientVersion,
        meta: { target: [secret], cause: secret },
      }),
    ]),
    ['unknown', new Prisma.PrismaClientUnknownRequestError(message, { clientVersion })],
    ['validation', new Prisma.PrismaClientValidationError(message, { clientVersion })],
    ['initialization', new Prisma.PrismaClientInitializationError(message, clientVersion, 'P1001')],
    ['panic', new Prisma.PrismaClientRustPanicError(message, clientVersion)],
    ['cause', new Error(message, { cause: new Error(message) })],
  ];
  const codes = new Set<unknown>();
  for (const [what, error] of errors) {
    thrown.set(what, error);
    const answer = await api.graphql('query ($what: String!) { trialThrow(what: $what) }', { what });
    expect(JSON.stringify(answer), what).not.toMatch(new RegExp(`${secret}|P\\d{4}|[Pp]risma|postgres|contact`));
    codes.add(answer.errors?.[0]?.extensions['code']);
  }
  expect(codes).toEqual(new Set(['INTERNAL', 'TIMEOUT']));
  expect(api.logLines.join('')).not.toContain(secret);
});

test('no bug tells a client what it was', async ({ api }) => {
  const bugs = [
    new Error('postgres://app:hunter2@db.internal:5432/parley'),
    new GraphQLError('hunter2', { extensions: { code: 'SOMETHING_ELSE', secret: 'hunter2' } }),
    new GraphQLError('outer hunter2', { originalError: new Error('inner hunter2') }),
    Object.assign(new Error('hunter2'), { extensions: { code: 'BAD_USER_INPUT', secret: 'hunter2' } }),
    new AggregateError([new Error('hunter2')], 'hunter2'),
    'hunter2',
    { message: 'hunter2' },
    null,
  ];
  for (const [index, bug] of bugs.entries()) {
    thrown.set(String(index), bug);
    const answer = await api.graphql(`{ trialThrow(what: "${index}") }`);
    expect(answer.errors).toMatchObject([{ message: 'Something went wrong.', extensions: { code: 'INTERNAL' } }]);
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  }
});

test('a refusal that is the user’s to understand is told in full', async ({ api }) => {
  thrown.set('missing', new NotFoundError('There is no such object.'));
  expect((await api.graphql('{ trialThrow(what: "missing") }')).errors).toMatchObject([
    { message: 'There is no such object.', extensions: { code: 'NOT_FOUND' } },
  ]);
  thrown.set('busy', new RateLimitedError('Too many.', 7));
  expect((await api.graphql('{ trialThrow(what: "busy") }')).errors).toMatchObject([
    { message: 'Too many.', extensions: { code: 'RATE_LIMITED', retryAfter: 7 } },
  ]);
});

test('what passes by itself asks to try again, and a value out of range is the caller’s', async ({ api, db, shop }) => {
  const codeOf = async (run: (tx: Tx) => Promise<unknown>) => {
    const error: unknown = await inTenant(db, shop.tenantId, run).catch((e: unknown) => e);
    thrown.set('x', error);
    return (await api.graphql('{ trialThrow(what: "x") }')).errors?.[0]?.extensions['code'];
  };
  const raise = (state: string) => (tx: Tx) =>
    tx.$executeRaw`do ${Prisma.raw(`$$ begin raise exception 'x' using errcode = '${state}'; end $$`)}`;
  for (const state of ['40001', '40P01', '53300', '55P03', '57014', '57P01']) {
    expect(await codeOf(raise(state)), state).toBe('TIMEOUT');
  }
  const { tenantId } = shop;
  expect(await codeOf((tx) => tx.contact.create({ data: { tenantId, birthDate: new Date('0000-01-01') } }))).toBe(
    'BAD_USER_INPUT',
  );
  expect(await codeOf((tx) => tx.$queryRaw`select ${'99999999999'}::int`)).toBe('BAD_USER_INPUT');
  expect(await codeOf(raise('XX000'))).toBe('INTERNAL');
});

test('no free connection in time asks to try again', async ({ database, keys, storage, clock, shop }) => {
  await using db = createDb(database.urls.app, { poolSize: 1 });
  const held = await db.pool.connect();
  await using api = await startTestApi({ db, keys, storage, clock });
  const answer = await api.graphql('{ tenant { name } }', {}, shop.accessToken);
  expect(answer.errors).toMatchObject([{ extensions: { code: 'TIMEOUT' } }]);
  held.release(true);
  expect(await api.graphql('{ tenant { name } }', {}, shop.accessToken)).toEqual({
    data: { tenant: { name: 'Shop 1' } },
  });
});
