import { resealTotp, type TotpResealReport } from '../domain/auth/reseal-totp.ts';
import { resealAll, type ResealReport } from '../domain/connections/reseal.ts';
import { newestKey } from '../domain/connections/keyring.ts';
import { createDb } from '../prisma/client.ts';
import { readEnv } from '../runtime/env.ts';

const nothing: TotpResealReport = { resealed: 0, overtaken: 0, unopened: [] };

/** What came of a rotation, for whoever ran it: whether the older keys may go, above all. */
export function describeRotation(kid: string, partners: ResealReport, people: TotpResealReport = nothing): string[] {
  const overtaken = partners.overtaken + people.overtaken;
  const done = [`Sealed anew under ${kid}: ${partners.resealed + people.resealed}.`];
  if (overtaken > 0) done.push(`Changed by somebody else in between: ${overtaken}. Run this once more.`);
  for (const { tenantId, connectionId } of partners.unopened)
    done.push(`No key opens connection ${connectionId} of tenant ${tenantId}: it must be connected again.`);
  for (const { userId } of people.unopened)
    done.push(`No key opens the authenticator secret of person ${userId}: it must be set up again.`);
  if (isComplete(partners) && isComplete(people))
    done.push('Every older key can be taken out of ENCRYPTION_KEYS once each process runs with the new one.');
  return done;
}

function isComplete({ overtaken, unopened }: { overtaken: number; unopened: readonly unknown[] }): boolean {
  return overtaken === 0 && unopened.length === 0;
}

if (import.meta.main) {
  const env = readEnv('rotate-keys');
  await using db = createDb(env.DATABASE_URL, { poolSize: 2, applicationName: 'parley-rotate-keys' });
  const partners = await resealAll(db, env.ENCRYPTION_KEYS);
  const people = await resealTotp(db, env.ENCRYPTION_KEYS);
  for (const line of describeRotation(newestKey(env.ENCRYPTION_KEYS).kid, partners, people)) console.log(line);
  if (!isComplete(partners) || !isComplete(people)) process.exitCode = 1;
}
