import { serverAudits } from 'graphql-http';
import { expect, startTestApi, test } from '../test/fixtures.ts';

/** What a server MAY do, and ours does not: nothing is run by GET. */
const left = ['5A70', 'D6D5', '6A70'];

test('GraphQL over HTTP: what a server MUST and SHOULD do, we do', async ({ db, keys, storage, clock }) => {
  for (const isProduction of [false, true]) {
    await using api = await startTestApi({ db, keys, storage, clock }, { isProduction, introspection: true });
    const audits = serverAudits({ url: `${api.url}/graphql`, fetchFn: fetch });
    const failed: string[] = [];
    for (const audit of audits) {
      const result = await audit.fn();
      if (result.status !== 'ok' && !(left.includes(audit.id) && audit.name.startsWith('MAY '))) {
        failed.push(`${result.id} ${result.name}: ${result.reason}`);
      }
    }
    expect(audits.length).toBeGreaterThanOrEqual(61);
    expect(failed).toEqual([]);
  }
});
