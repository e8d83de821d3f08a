import { readEnv } from '../runtime/env.ts';
import { wakeUps } from './clock.ts';
import { crontab } from './crontab.ts';
import { runWorker } from './run.ts';
import { tasks } from './tasks.ts';

await runWorker(readEnv('worker'), { tasks, crontab, wakeUps });
