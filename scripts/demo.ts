import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { EnvError, readEnv } from '../runtime/env.ts';
import { migrateDatabase } from '../prisma/migrate.ts';
import { stopSignal } from '../runtime/stop-signal.ts';
import { createClient } from './client.ts';
import { makeDemoFile } from './demo/contacts-csv.ts';
import { importContacts, reconcile } from './demo/import-contacts.ts';
import { startLocalDatabase, startStack } from './local-stack.ts';

type Options = { contacts: number; exit: boolean; json: boolean };

const usage = 'Usage: npm run demo -- [--contacts N] [--exit] [--json]';

/** Does everything, where one can see it. Returns whether every number agreed. */
async function demo({ contacts, exit, json }: Options): Promise<boolean> {
  const started = performance.now();
  const say = (line = '') => (json ? console.error(line) : console.log(line));

  await using database = await useDatabase(say);
  say('Starting the API and two workers…');
  await using stack = await startStack(database.urls, { workers: 2, port: 4000 });
  if (new URL(stack.apiUrl).port !== '4000') say('Port 4000 is busy: using a free one.');

  const email = `owner-${Date.now()}@example.com`;
  const password = 'correct horse battery staple';
  const visitor = createClient(stack.apiUrl);
  const { signUp } = await visitor.run<{ signUp: { accessToken: string; tenant: { name: string } } }>(
    `mutation ($input: SignUpInput!) { signUp(input: $input) { __typename ... on Session { accessToken tenant { name } } ... on UserError { message } } }`,
    {
      input: { tenantName: 'Loja da Ana', name: 'Ana', email, password, country: 'BR', timeZone: 'America/Sao_Paulo' },
    },
  );
  const owner = visitor.as(signUp.accessToken);
  say(`Signed up the tenant “${signUp.tenant.name}”.`);

  const file = makeDemoFile(contacts);
  say(`Importing a CSV of ${contacts} records: good, bad, doubled and odd ones.`);
  const bar = new SingleBar({
    format: '  {bar} {value}/{total}  created {created}, updated {updated}, skipped {skipped}, failed {failed}',
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 2_000,
  });
  bar.start(contacts, 0, { created: 0, updated: 0, skipped: 0, failed: 0 });
  const done = await importContacts(owner, file, ({ created, updated, skipped, failed }) => {
    bar.update(created + updated + skipped + failed, { created, updated, skipped, failed });
  });
  bar.stop();
  const wrong = await reconcile(owner, file, done);
  for (const line of wrong) say(`  DOES NOT AGREE: ${line}`);
  if (wrong.length === 0) say('Every record is accounted for, none twice.');

  const { total, created, updated, skipped, failed } = done;
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const summary = { contacts: { total, created, updated, skipped, failed }, agrees: wrong.length === 0, seconds };
  if (json) console.log(JSON.stringify(summary));

  if (!exit) {
    say(`\nGraphiQL: ${stack.apiUrl}/graphql\nSign in as ${email} with the password “${password}”:`);
    say(
      `  mutation { signIn(input: { email: "${email}", password: "${password}" }) { ... on Session { accessToken } } }`,
    );
    say(`and put the token into the headers, below the query: {"authorization": "Bearer <accessToken>"}`);
    if (done.errorFileUrl) say(`The failed records, to correct and send again: ${done.errorFileUrl}`);
    say('Ctrl+C stops everything.');
    await stopSignal();
  }
  return wrong.length === 0;
}

/** The database of the environment, where all its URLs are set; else an embedded one. */
async function useDatabase(say: (line: string) => void) {
  try {
    const env = readEnv('migrate');
    const urls = { owner: env.DATABASE_OWNER_URL, app: env.DATABASE_URL, queue: env.DATABASE_QUEUE_URL };
    say('Using the database of the environment.');
    await migrateDatabase(urls);
    return { urls, [Symbol.asyncDispose]: async () => {} };
  } catch (error) {
    if (!(error instanceof EnvError) || process.env['DATABASE_URL']) throw error;
    say('Starting an embedded Postgres…');
    return startLocalDatabase();
  }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      contacts: { type: 'string', default: '1000' },
      exit: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const contacts = Number(values.contacts);
  if (!Number.isInteger(contacts) || contacts < 1 || contacts > 1_000_000)
    throw new TypeError('--contacts: expected a number from 1 to 1000000.');
  return { contacts, exit: values.exit, json: values.json };
}

try {
  process.exitCode = (await demo(readOptions())) ? 0 : 1;
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
