import { parseArgs } from 'node:util';
import { MultiBar, SingleBar } from 'cli-progress';
import { EnvError, readEnv } from '../runtime/env.ts';
import { migrateDatabase } from '../prisma/migrate.ts';
import { stopSignal } from '../runtime/stop-signal.ts';
import { type Client, createClient } from './client.ts';
import { createCampaign, runCampaign, type Totals } from './demo/campaign.ts';
import { approveTemplate, connectWhatsApp } from './demo/connect.ts';
import { makeDemoFile } from './demo/contacts-csv.ts';
import { importContacts, reconcile } from './demo/import-contacts.ts';
import { confirmAddress, startMailbox } from './demo/mails.ts';
import { reconcileCampaign } from './demo/reconcile-campaign.ts';
import { startLocalDatabase, startStack } from './local-stack.ts';
import { type SimulatorsProcess, startSimulatorsProcess } from './simulators-process.ts';

type Options = { contacts: number; rate: number; exit: boolean; json: boolean };

const usage = 'Usage: npm run demo -- [--contacts N] [--rate MPS] [--exit] [--json]';

/** Does everything, where one can see it. Returns whether every number agreed. */
async function demo({ contacts, rate, exit, json }: Options): Promise<boolean> {
  const started = performance.now();
  const say = (line = '') => (json ? console.error(line) : console.log(line));

  await using database = await useDatabase(say);
  say('Starting the simulator of WhatsApp, a mail server that only shows mails, the API and two workers…');
  await using mailbox = await startMailbox(say);
  await using simulators = await startSimulatorsProcess({ profile: 'demo', port: 4010 });
  if (new URL(simulators.url).port !== '4010') say('Port 4010 is busy: using a free one for the simulator.');
  await using stack = await startStack(database.urls, {
    workers: 2,
    port: 4000,
    env: { ...quickly, SEND_RATE_MAX: String(rate), ...simulators.env, ...mailbox.env },
  });
  if (new URL(stack.apiUrl).port !== '4000') say('Port 4000 is busy: using a free one.');
  await simulators.tell('settings', { meta: { webhooks: { url: `${stack.apiUrl}/webhooks/meta` } } });

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
  say(`Signed up the tenant “${signUp.tenant.name}”. Its owner is asked by mail to confirm the address:`);
  await confirmAddress(visitor, mailbox, email);
  say('Confirmed the address by the link.');

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
  const sent = await campaign(owner, simulators, { rate, contacts: created + file.known.length, say });
  for (const line of sent.wrong) say(`  DOES NOT AGREE: ${line}`);
  if (sent.wrong.length === 0) say('Every message agrees with what the simulator received, one by one.');
  wrong.push(...sent.wrong);

  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const { accepted, distinctRecipients, duplicates } = sent.books;
  const summary = {
    contacts: { total, created, updated, skipped, failed },
    campaign: sent.totals,
    simulator: { accepted, distinctRecipients, duplicates },
    agrees: wrong.length === 0,
    seconds,
  };
  if (json) console.log(JSON.stringify(summary));

  if (!exit) {
    say(`\nGraphiQL: ${stack.apiUrl}/graphql\nSign in as ${email} with the password “${password}”:`);
    say(
      `  mutation { signIn(input: { email: "${email}", password: "${password}" }) { ... on Session { accessToken } } }`,
    );
    say(`and put the token into the headers, below the query: {"authorization": "Bearer <accessToken>"}`);
    say('Whatever mail is sent from here on shows up below: try passwordResetRequest.');
    if (done.errorFileUrl) say(`The failed records, to correct and send again: ${done.errorFileUrl}`);
    say('Ctrl+C stops everything.');
    await stopSignal();
  }
  return wrong.length === 0;
}

/** For a demo that does not wait: a message whose fate is unclear is given up after seconds instead of minutes. */
const quickly = { META_TIMEOUT_MS: '4000', SEND_LEASE_MS: '8000', SEND_SETTLE_MS: '5000', WORKER_CLOCK_MS: '1000' };

type CampaignOptions = { rate: number; contacts: number; say: (line: string) => void };

/** The main job: a number, a template, a campaign, and everybody's fate. */
async function campaign(owner: Client, simulators: SimulatorsProcess, { rate, contacts, say }: CampaignOptions) {
  const number = await connectWhatsApp(owner, simulators);
  say(`Connected the WhatsApp number ${number.displayNumber}: ${number.throughput} messages a second.`);
  const template = await approveTemplate(owner, number.accountId);
  say(`Meta has approved the template “${template.name}”.`);
  const { id, preflight } = await createCampaign(owner, { templateId: template.id, numberId: number.numberId });
  const excluded = preflight.excluded.map(({ reason, count }) => `${count} ${reason}`).join(', ') || 'nobody';
  say(`Launching a campaign to ${preflight.audience} contacts (left out: ${excluded}), ${rate} messages a second.`);

  const bars = new MultiBar({
    format: '  {bar} {value}/{total}  {state}',
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 2_000,
  });
  const shown = ['queued', 'sent', 'delivered', 'read', 'failed'] as const;
  const byState = shown.map((state) => ({ state, bar: bars.create(preflight.audience, 0, { state }) }));
  const { totals, books } = await runCampaign(owner, simulators, id, (now) => {
    for (const { state, bar } of byState) bar.update(barOf(state, now));
  });
  bars.stop();
  const wrong = await reconcileCampaign(owner, simulators, id, { totals, books, contacts });
  return { totals, books, wrong };
}

/** How many have come as far as a bar says: who has read it, has got it too. */
function barOf(
  state: 'queued' | 'sent' | 'delivered' | 'read' | 'failed',
  { queued, sent, delivered, read, failed }: Totals,
): number {
  const reached = { queued, sent: sent + delivered + read, delivered: delivered + read, read, failed };
  return reached[state];
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
      rate: { type: 'string', default: '250' },
      exit: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const contacts = Number(values.contacts);
  if (!Number.isInteger(contacts) || contacts < 1 || contacts > 1_000_000)
    throw new TypeError('--contacts: expected a number from 1 to 1000000.');
  const rate = Number(values.rate);
  if (!Number.isInteger(rate) || rate < 1 || rate > 1_000)
    throw new TypeError('--rate: expected a number from 1 to 1000.');
  return { contacts, rate, exit: values.exit, json: values.json };
}

try {
  process.exitCode = (await demo(readOptions())) ? 0 : 1;
} catch (error) {
  console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
