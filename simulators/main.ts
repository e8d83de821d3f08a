import { readSimulatorsEnv } from './env.ts';
import { startSimulators } from './start.ts';

const askedToStop = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
});
const { port, host, profile, seed, webhookUrl, publicUrl, ...app } = readSimulatorsEnv();
const print = (line: string) => process.stdout.write(`${line}\n`);
await using simulators = await startSimulators({
  port,
  host,
  profile,
  seed,
  ...(publicUrl ? { publicUrl } : {}),
  meta: { ...app, settings: { webhooks: { url: webhookUrl } } },
  log: print,
});
const { graphUrl, appId, appSecret, verifyToken, businessId, wabaId, phoneNumberId, displayNumber, code, accessToken } =
  simulators.meta.credentials;
print(`The partners are played at ${simulators.url} (profile ${profile}, seed ${seed}).

  META_GRAPH_URL=${graphUrl}
  META_APP_ID=${appId}
  META_APP_SECRET=${appSecret}
  META_VERIFY_TOKEN=${verifyToken}

  business portfolio  ${businessId}
  WhatsApp account    ${wabaId}
  phone number        ${phoneNumberId} (${displayNumber})
  access token        ${accessToken}
  sign-up code        ${code} (30 seconds; another one: POST ${simulators.url}/__control/meta/codes)

What was received: ${simulators.url}/__control/books`);
await askedToStop;
