// pg-boss: PostgreSQL. Bulk by insert. Throughput by fetch and complete in large batches, several loops at a time, which
// https://timgit.github.io/pg-boss/#/./api/jobs offers for this; its own work() waits at least half a second between two
// batches. Without priorities, as that page advises where nobody uses them: each fetch sorts all that waits, so of the
// batches tried (64 to 10,000, in 2 or 4 loops) four of 5,000 were the fastest. Latency by work(), polling as often as it
// may: it has no notification.

import PgBoss from 'pg-boss';
import { serve } from './protocol.mjs';

const NAME = 'bench';
const LOOPS = 4;
const BATCH = 5000;

serve(async ({ postgres }) => {
  // As many connections as there are callers, so that their commits share the disk.
  const boss = new PgBoss({ connectionString: postgres, max: 50, schedule: false });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(NAME);
  return {
    enqueue: (payloads) => boss.insert(payloads.map((data) => ({ name: NAME, data }))),
    enqueueOne: (data) => boss.send(NAME, data),
    async work(concurrency, run, goal) {
      if (goal === 'latency') {
        const options = { pollingIntervalSeconds: 0.5, batchSize: BATCH };
        const id = await boss.work(NAME, options, (jobs) => Promise.all(jobs.map((job) => run(job.data))));
        return () => boss.offWork({ id });
      }
      // A pool whose jobs take their time must not hold more of them than it may run.
      const batchSize = goal === 'pool' ? Math.max(1, Math.floor(concurrency / LOOPS)) : BATCH;
      let stopped = false;
      const loop = async () => {
        while (!stopped) {
          const jobs = await boss.fetch(NAME, { batchSize, priority: false });
          if (jobs.length === 0) {
            await new Promise((resolve) => setTimeout(resolve, 10));
            continue;
          }
          await Promise.all(jobs.map((job) => run(job.data)));
          await boss.complete(NAME, jobs.map((job) => job.id));
        }
      };
      const loops = Array.from({ length: LOOPS }, loop);
      return async () => {
        stopped = true;
        await Promise.all(loops);
      };
    },
    left: () => boss.getQueueSize(NAME, { before: 'completed' }),
    close: () => boss.stop({ graceful: false }),
  };
});
