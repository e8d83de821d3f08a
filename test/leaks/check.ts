import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createFinder, type Secret } from './finder.ts';

/** What stands before the name of a table where its rows are the source. */
export const atRest = 'table ';

/** What tables are there to hold as it is: whom and what the tenants know. Of everything else they have a hash, or what is sealed. */
const known = new Set(['email', 'phone', 'to', 'url', 'errorFileUrl']);

/** Where each secret was written that nobody should be able to read; empty when none was. Says what and where, and not the secret itself. */
export async function findLeaks(folder: string): Promise<string[]> {
  const files = await readdir(folder);
  const of = (name: string) => files.filter((file) => file.startsWith(`${name}.`)).map((file) => join(folder, file));
  const secrets = new Map<string, Secret>();
  for (const file of of('secrets')) {
    for (const line of (await readFile(file, 'utf8')).split('\n')) {
      if (line === '') continue;
      const secret = JSON.parse(line) as Secret;
      secrets.set(secret.text, secret);
    }
  }
  const find = createFinder(secrets.values());
  const leaks = new Map<string, string>();
  for (const file of of('written')) {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      const source = line.slice(0, line.indexOf('\t'));
      const found = find(line).filter(({ secret }) => !source.startsWith(atRest) || !known.has(secret.kind));
      const hidden = found.reduce((text, { secret }) => text.replaceAll(secret.text, `[the ${secret.kind}]`), line);
      for (const { secret } of found) {
        const at = hidden.indexOf(`[the ${secret.kind}]`);
        leaks.set(
          `${source} ${secret.kind}`,
          hidden.slice(Math.max(0, at - 100), at + 100).replace(/^(?!.*\t)/, `${source}\t… `),
        );
      }
    }
  }
  return [...leaks.values()];
}
