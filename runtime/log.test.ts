// The trial fields come first: the schema is built when the fixtures import it.
import { thrown } from '../test/trial-fields.ts';
import { inTenant } from '../prisma/client.ts';
import { expect, test } from '../test/fixtures.ts';
import { createLog, describeError, scrub } from './log.ts';

const person = {
  name: 'Zuleide Quaresma',
  email: 'zuleide.q@example.com.br',
  password: 'saudade-2026',
  phone: '+5511987654321',
  taxId: '12.345.678/0001-95',
};

test('no name, address, phone, password or token of a person reaches a log line', async ({ api, db }) => {
  const send = async (text: string, input: object, accessToken?: string) =>
    (await api.graphql(text, { input }, accessToken)).data;
  const session = '__typename ... on Session { accessToken refreshToken tenant { id } }';
  const { phone, taxId, ...who } = person;
  const place = { tenantName: person.name, country: 'BR', timeZone: 'America/Sao_Paulo' };
  const signUp = `mutation ($input: SignUpInput!) { signUp(input: $input) { ${session} } }`;
  const { signUp: first } = await send(signUp, { ...who, ...place });
  await send(signUp, { ...who, ...place }); // the address is taken
  await send(signUp, { ...who, ...place, phone }); // an unknown field: the error quotes the input
  const signIn = `mutation ($input: SignInInput!) { signIn(input: $input) { ${session} } }`;
  const { signIn: second } = await send(signIn, { email: person.email, password: person.password });
  await send(signIn, { email: person.email, password: `${person.password}x` });
  const update = 'mutation ($input: TenantUpdateInput!) { tenantUpdate(input: $input) { __typename } }';
  await send(update, { legalName: person.name, phone, taxId, idempotencyKey: person.email }, second.accessToken);
  await send(update, { phone: `${phone}999999`, timeZone: person.name }, second.accessToken);
  await api.graphql(`{ node(id: "${person.email}") { id } viewer(x: "${person.phone}") { role } }`);

  const tenantId = Buffer.from(first.tenant.id, 'base64').toString().slice('Tenant:'.length);
  const twice = inTenant(db, tenantId, async (tx) => {
    for (let i = 0; i < 2; i += 1)
      await tx.contact.create({ data: { tenantId, name: person.name, externalId: phone } });
  });
  const refusals = [
    await twice.catch((error: unknown) => error),
    await inTenant(db, tenantId, (tx) => tx.$queryRaw`select ${person.name}::int`).catch((error: unknown) => error),
    await inTenant(db, tenantId, (tx) => tx.tag.findMany({ where: { name: person as never } })).catch(
      (error: unknown) => error,
    ),
    new Error(`Key (email)=(${person.email}) for '${person.name}' already exists: ${person.phone}.`, {
      cause: new Error(`postgres://app:${person.password}@db.internal:5432/parley "${person.name}"`),
    }),
    new AggregateError([new Error(`Bearer ${second.accessToken}`)]),
    `a text about "${person.name}"`,
  ];
  for (const [index, error] of refusals.entries()) {
    thrown.set(String(index), error);
    const answer = await api.graphql(`{ trialThrow(what: "${index}") }`);
    expect(answer.errors).toMatchObject([{ message: expect.stringMatching(/went wrong|out of range/) }]);
  }

  const lines = api.logLines.join('');
  expect(lines).toContain('"sqlState":"23505"');
  expect(lines).toContain('"constraint":"contacts_tenant_id_external_id_key"');
  const tokens = [first.accessToken, first.refreshToken, second.accessToken, second.refreshToken];
  for (const secret of [...Object.values(person), ...person.name.split(' '), '5511987654321', ...tokens]) {
    expect(lines).not.toContain(secret);
  }
});

test('a field that may hold a secret is cut, at any of the first three levels', () => {
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  const secret = 'secret-value';
  log.info({ email: secret, contact: { phone: secret, deeper: { text: secret, name: secret } }, tenantId: 't-1' }, 'x');
  log.info({ list: [{ token: secret }], headers: { any: secret } }, 'x');
  expect(lines.join('')).not.toContain(secret);
  expect(lines[0]).toContain('"tenantId":"t-1"');
});

test('a message keeps what it takes to find the cause: words, codes and ids', () => {
  const id = '0198c1d2-7f00-7abc-8def-0123456789ab';
  expect(scrub(`The import ${id} stopped: 3 rows (of 20) failed, it can't go on.`)).toBe(
    `The import ${id} stopped: 3 rows (of 20) failed, it can't go on.`,
  );
  const described = describeError(Object.assign(new TypeError('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));
  expect(described).toMatchObject({ type: 'TypeError', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' });
  expect(described.stack[0]).toContain('log.test.ts');
});
