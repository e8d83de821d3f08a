import { NIL } from 'uuid';
import { type Db, inScope, type Tx } from '../../prisma/client.ts';
import { type Keyring, newestKey } from '../connections/keyring.ts';
import { open, seal, SealError } from '../connections/seal.ts';
import { totpCell } from './totp-code.ts';

export type TotpResealReport = {
  resealed: number;
  /** Changed by the person in between, with the newest key. */
  overtaken: number;
  /** No key opens them: whoever they belong to needs a recovery code, and sets the app up anew. */
  unopened: { userId: string }[];
};

const peoplePerPage = 200;

/** Seals every authenticator secret anew that another key than the newest has sealed: person by person, while everything runs. */
export async function resealTotp(db: Db, keyring: Keyring, signal?: AbortSignal): Promise<TotpResealReport> {
  const { kid } = newestKey(keyring);
  const report: TotpResealReport = { resealed: 0, overtaken: 0, unopened: [] };
  for (let after: string = NIL; ;) {
    const people = await inScope(db, {}, (tx) => findPeople(tx, kid, after), { readOnly: true });
    for (const userId of people) {
      signal?.throwIfAborted();
      await inScope(db, { userId }, (tx) => resealOne(tx, keyring, userId, report));
    }
    const last = people.at(-1);
    if (last === undefined) return report;
    after = last;
  }
}

async function findPeople(tx: Tx, kid: string, after: string): Promise<string[]> {
  const rows = await tx.$queryRaw<{ userId: string }[]>`
    select user_id as "userId" from find_totp_to_reseal(${kid}, ${after}::uuid, ${peoplePerPage}::int)`;
  return rows.map(({ userId }) => userId);
}

async function resealOne(tx: Tx, keyring: Keyring, userId: string, report: TotpResealReport): Promise<void> {
  const row = await tx.userTotp.findUnique({ where: { userId }, select: { secret: true } });
  if (!row) return; // taken away in between
  const fresh = reopened(keyring, userId, row.secret);
  if (fresh === undefined) return void report.unopened.push({ userId });
  const { count } = await tx.userTotp.updateMany({ where: { userId, secret: row.secret }, data: { secret: fresh } });
  if (count === 1) report.resealed += 1;
  else report.overtaken += 1;
}

function reopened(keyring: Keyring, userId: string, sealed: string): string | undefined {
  try {
    return seal(keyring, totpCell(userId), open(keyring, totpCell(userId), sealed));
  } catch (error) {
    if (error instanceof SealError) return undefined; // reported: one that does not open keeps no other from being sealed anew
    throw error;
  }
}
