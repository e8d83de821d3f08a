import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kind, parse, print, visit } from 'graphql';
import { hashOf, readManifest } from '../api/persisted.ts';
import { schema } from '../schema/index.ts';

/**
 * Makes the list of operations that front ends may send by their hash, from every `.graphql` file of a folder: one document for each
 * operation, with the fragments that it uses from whichever file.
 */
export async function listOperations(folder: string, file: string): Promise<number> {
  const paths: string[] = [];
  for await (const path of glob('**/*.graphql', { cwd: folder })) paths.push(path);
  const sources = await Promise.all(paths.sort().map((path) => readFile(join(folder, path), 'utf8')));
  const definitions = sources.flatMap((source) => parse(source).definitions);
  const fragments = new Map(
    definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one] as const] : [])),
  );
  const documents = definitions.flatMap((operation) => {
    if (operation.kind !== Kind.OPERATION_DEFINITION) return [];
    const used = new Set<string>();
    const follow = (node: Parameters<typeof visit>[0]): void => {
      visit(node, {
        FragmentSpread({ name: { value: name } }) {
          const fragment = fragments.get(name);
          if (!fragment || used.has(name)) return;
          used.add(name);
          follow(fragment);
        },
      });
    };
    follow(operation);
    const parts = [operation, ...[...used].sort().flatMap((name) => fragments.get(name) ?? [])];
    return [parts.map((part) => print(part)).join('\n\n')];
  });
  const manifest = Object.fromEntries(documents.map((document) => [hashOf(document), document]));
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`);
  await readManifest(file, schema); // says what is wrong with them now, and not when the API starts
  return documents.length;
}

if (import.meta.main) {
  const [folder, file] = process.argv.slice(2);
  if (folder && file) {
    console.log(`${await listOperations(folder, file)} operations are listed in ${file}.`);
  } else {
    console.error('Usage: npm run operations -- FOLDER FILE');
    process.exitCode = 2;
  }
}
