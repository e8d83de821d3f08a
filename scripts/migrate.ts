import { migrateDatabase } from '../prisma/migrate.ts';
import { readEnv } from '../runtime/env.ts';

if (import.meta.main) {
  const env = readEnv('migrate');
  const applied = await migrateDatabase({
    owner: env.DATABASE_OWNER_URL,
    app: env.DATABASE_URL,
    queue: env.DATABASE_QUEUE_URL,
  });
  console.log(applied.length > 0 ? `Applied: ${applied.join(', ')}.` : 'The database is up to date.');
}
