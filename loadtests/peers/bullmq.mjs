// BullMQ: Redis only. Bulk by addBulk; one worker of high concurrency, as
// https://docs.bullmq.io/guide/workers/concurrency and /guide/parallelism-and-concurrency advise for jobs that wait;
// finished jobs are removed at once (https://docs.bullmq.io/guide/queues/auto-removal-of-jobs).

import { Queue, Worker } from 'bullmq';
import IORedis from 'ioredis';
import { serve } from './protocol.mjs';

serve(async ({ redis, namespace }) => {
  // A worker waits in a blocking command, which needs a connection of its own that never gives up.
  const connect = () => new IORedis(redis, { maxRetriesPerRequest: null });
  const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
  const connection = connect();
  const queue = new Queue('bench', { connection, prefix: namespace, defaultJobOptions });
  await queue.waitUntilReady();
  return {
    enqueue: (payloads) => queue.addBulk(payloads.map((data) => ({ name: 'nothing', data }))),
    enqueueOne: (data) => queue.add('nothing', data),
    async work(concurrency, run) {
      const own = connect();
      const worker = new Worker('bench', (job) => run(job.data), { connection: own, prefix: namespace, concurrency });
      worker.on('error', (error) => console.error(error));
      return async () => {
        await worker.close(true);
        own.disconnect();
      };
    },
    async left() {
      const counts = await queue.getJobCounts('wait', 'active', 'prioritized', 'delayed');
      return Object.values(counts).reduce((sum, n) => sum + n, 0);
    },
    async close() {
      await queue.close();
      connection.disconnect();
    },
  };
});
