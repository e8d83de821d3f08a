import { readEnv } from '../../runtime/env.ts';
import { runWorker } from '../../worker/run.ts';
import { tasks, wakeUps } from './tasks.ts';

// A worker process as worker/main.ts starts it, with the tests' own tasks.
await runWorker(readEnv('worker'), { tasks, crontab: [], wakeUps });
