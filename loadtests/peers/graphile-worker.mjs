// Graphile Worker: PostgreSQL. Bulk by addJobs. Throughput with a local queue of 500 and completions in batches, the
// settings of https://worker.graphile.org/docs/performance#batching and of its own benchmark; latency without them
// (it is told of new jobs by NOTIFY, and a local queue makes a worker slower to look).

import { run as runWorker, makeWorkerUtils, Logger } from 'graphile-worker';
import pg from 'pg';
import { serve } from './protocol.mjs';

const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error(message);
});

serve(async ({ postgres }) => {
  // As many connections as there are callers, so that their commits share the disk.
  const pgPool = new pg.Pool({ connectionString: postgres, max: 60 });
  // A server that goes away is noticed by the statement that fails.
  pgPool.on('error', (error) => console.error(error));
  pgPool.on('connect', (client) => client.on('error', (error) => console.error(error)));
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  return {
    enqueue: (payloads) => utils.addJobs(payloads.map((payload) => ({ identifier: 'nothing', payload }))),
    enqueueOne: (payload) => utils.addJob('nothing', payload),
    async work(concurrency, run, goal) {
      const batches = {
        localQueue: { size: 500 },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      };
      const tuned = goal !== 'latency' ? { concurrentJobs: concurrency, ...batches } : { concurrentJobs: 24 };
      const runner = await runWorker({
        pgPool,
        logger,
        noHandleSignals: true,
        preset: { worker: { ...tuned, pollInterval: 1000 } },
        taskList: { nothing: run },
      });
      return () => runner.stop().catch(() => {});
    },
    async left() {
      const { rows } = await pgPool.query('SELECT count(*)::int AS n FROM graphile_worker._private_jobs');
      return rows[0].n;
    },
    async close() {
      await utils.release();
      await pgPool.end();
    },
  };
});
