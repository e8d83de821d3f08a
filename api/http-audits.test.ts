import { serverAudits } from 'graphql-http';
import { expect, startTestApi, test } from '../test/fixtures.ts';

/** With the header that no page can send unasked. */
const asking: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set('x-csrf', '1');
  return fetch(input, { ...init, headers });
};

test('GraphQL over HTTP: what a server MUST, SHOULD and MAY do, we do; but nothing by GET without a header', async ({
  db,
  keys,
  storage,
  clock,
}) => {
  for (const isProduction of [false, true]) {
    await using api = await startTestApi({ db, keys, storage, clock }, { isProduction, introspection: true });
    const failed = async (fetchFn: typeof fetch) => {
      const audits = serverAudits({ url: `${api.url}/graphql`, fetchFn });
      expect(audits.length).toBeGreaterThanOrEqual(61);
      const found: string[] = [];
      for (const { fn } of audits) {
        const result = await fn();
        if (result.status !== 'ok') found.push(`${result.id} ${result.name}: ${result.reason}`);
      }
      return found;
    };
    expect(await failed(asking)).toEqual([]);
    const byGet = await failed(fetch);
    expect(byGet.map((name) => name.slice(0, 8)).toSorted()).toEqual(['5A70 MAY', '6A70 MAY', 'D6D5 MAY']);
  }
});
