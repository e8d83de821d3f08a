import { setFlagsFromString } from 'node:v8';
import { readEnv } from '../runtime/env.ts';
import { wakeUps } from './clock.ts';
import { crontab } from './crontab.ts';
import { runWorker } from './run.ts';
import { tasks } from './tasks.ts';

// By itself V8 lets the heap grow to several times of what is in use before it collects: a long import would hold 200 MB of what is over.
setFlagsFromString('--heap-growing-percent=50');

await runWorker(readEnv('worker'), { tasks, crontab, wakeUps });
