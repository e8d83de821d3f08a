import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printSchema } from 'graphql';
import { schema } from '../schema/index.ts';

export const schemaFile = join(import.meta.dirname, '..', 'schema', 'schema.graphql');

/** The schema as it is committed: in the order in which it is written, which is the order in which it reads well. */
export function printedSchema(): string {
  return `${printSchema(schema)}\n`;
}

if (import.meta.main) await writeFile(schemaFile, printedSchema());
