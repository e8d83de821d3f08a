import { resealAll } from '../domain/connections/reseal.ts';
import { newestKey } from '../domain/connections/keyring.ts';
import { createDb } from '../prisma/client.ts';
import { readEnv } from '../runtime/env.ts';

/** What came of a rotation, for whoever ran it: whether the older keys may go, above all. */
export function describeRotation(
  kid: string,
  { resealed, overtaken, unopened }: Awaited<ReturnType<typeof resealAll>>,
): string[] {
  const done = [`Sealed anew under ${kid}: ${resealed}.`];
  if (overtaken > 0) done.push(`Changed by somebody else in between: ${overtaken}. Run this once more.`);
  for (const { tenantId, connectionId } of unopened)
    done.push(`No key opens connection ${connectionId} of tenant ${tenantId}: it must be connected again.`);
  if (overtaken === 0 && unopened.length === 0)
    done.push('Every older key can be taken out of ENCRYPTION_KEYS once each process runs with the new one.');
  return done;
}

if (import.meta.main) {
  const env = readEnv('rotate-keys');
  await using db = createDb(env.DATABASE_URL, { poolSize: 2, applicationName: 'parley-rotate-keys' });
  const report = await resealAll(db, env.ENCRYPTION_KEYS);
  for (const line of describeRotation(newestKey(env.ENCRYPTION_KEYS).kid, report)) console.log(line);
  if (report.overtaken > 0 || report.unopened.length > 0) process.exitCode = 1;
}
