// Bee-Queue: Redis only. Bulk by saveAll; events off, jobs not kept in memory nor after their end: the
// settings that https://github.com/bee-queue/bee-queue#optional-settings names for performance, and those of its own
// benchmark.

import Queue from 'bee-queue';
import { serve } from './protocol.mjs';

serve(async ({ redis, namespace }) => {
  const common = {
    prefix: namespace,
    redis: { url: redis },
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    removeOnSuccess: true,
    removeOnFailure: true,
  };
  const queue = new Queue('bench', { ...common, isWorker: false });
  await queue.ready();
  return {
    async enqueue(payloads) {
      const failed = await queue.saveAll(payloads.map((data) => queue.createJob(data)));
      if (failed.size > 0) throw [...failed.values()][0];
    },
    enqueueOne: (data) => queue.createJob(data).save(),
    async work(concurrency, run) {
      // Stalled jobs are looked for every 5 s, the default; a worker has its own connections.
      const worker = new Queue('bench', { ...common, isWorker: true });
      await worker.ready();
      worker.on('error', (error) => console.error(error));
      worker.process(concurrency, (job) => run(job.data));
      return () => worker.close(1000).catch(() => {});
    },
    async left() {
      const health = await queue.checkHealth();
      return health.waiting + health.active + health.delayed;
    },
    close: () => queue.close(1000).catch(() => {}),
  };
});
