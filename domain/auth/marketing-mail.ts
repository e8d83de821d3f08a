import type { Tx } from '../../prisma/client.ts';

/** Writes down what the person says about news and offers by mail. Mails about the account are not concerned. */
export async function setMarketingMail(tx: Tx, userId: string, optedIn: boolean, now: Date): Promise<void> {
  await tx.userMailChoice.create({
    data: { userId, at: now, optedIn, source: 'PERSON' },
    select: { id: true },
  });
  await tx.user.update({ where: { id: userId }, data: { marketingMail: optedIn }, select: { id: true } });
}
