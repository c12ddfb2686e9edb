// What every peer is asked, and how it answers: a line of JSON in, a line of JSON out, on stdin and stdout.
//
// A peer's own file says only how that library enqueues, works and counts, in the way its documentation calls
// fastest. Everything that is measured is measured here, once, so that no peer is timed differently from another: the
// same counts, the same payload, the same calls in flight. Handlers live in this process, as ours live in the bench's.
//
// A peer is {enqueue(payloads), enqueueOne(payload), work(concurrency, run, goal), left(), close()}: `enqueue` is one bulk
// call, `work` starts a worker and answers how to stop it, `left` counts by the store what has not ended. `goal` is
// 'rate' (jobs that do nothing), 'pool' (jobs that take their time) or 'latency', for libraries that are tuned
// differently for each.

import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes of a payload as JSON: what the bench gives to every queue. */
const BYTES = 200;

const now = () => performance.now();

/** A payload of BYTES bytes. `at`: when its job was enqueued, where that is asked for. */
function payload(at) {
  const bare = { at: Math.round(at * 1000) / 1000, pad: '' };
  return { ...bare, pad: 'x'.repeat(BYTES - JSON.stringify(bare).length) };
}

/** Runs `call(n)` for n of `total`, so many at a time. */
async function inFlight(total, at_a_time, call) {
  let next = 0;
  const lane = async () => {
    while (next < total) await call(next++);
  };
  await Promise.all(Array.from({ length: at_a_time }, lane));
}

async function seconds(work) {
  const start = now();
  await work();
  return (now() - start) / 1000;
}

/** A handler that counts, and a promise of having counted so many. */
function counter(goal, note = () => {}, wait_ms = 0) {
  let count = 0;
  let reached;
  const done = new Promise((resolve) => (reached = resolve));
  const run = async (data) => {
    note(data);
    if (wait_ms > 0) await sleep(wait_ms);
    if (++count === goal) reached();
  };
  return { run, done };
}

const asked = {
  async enqueue(peer, { count, batch, calls }) {
    const part = Array.from({ length: batch }, () => payload(0));
    return { seconds: await seconds(() => inFlight(count / batch, calls, () => peer.enqueue(part))) };
  },

  async drain(peer, { count, concurrency }) {
    const { run, done } = counter(count);
    let stop;
    const took = await seconds(async () => {
      stop = await peer.work(concurrency, run, 'rate');
      await done;
      while ((await peer.left()) > 0) await sleep(5);
    });
    await stop();
    return { seconds: took };
  },

  async one_by_one(peer, { count, calls }) {
    const one = payload(0);
    // Connections are made before the clock runs.
    await inFlight(calls, calls, () => peer.enqueueOne(one));
    return { seconds: await seconds(() => inFlight(count, calls, () => peer.enqueueOne(one))) };
  },

  // An open loop: what is late never slows down what is due.
  async latency(peer, { count, rate, concurrency }) {
    const seen = [];
    const { run, done } = counter(count, (data) => seen.push(now() - data.at));
    const stop = await peer.work(concurrency, run, 'latency');
    await sleep(1000);
    const start = now();
    const sent = [];
    while (sent.length < count) {
      const due = Math.min(count, Math.floor(((now() - start) / 1000) * rate));
      while (sent.length < due) sent.push(peer.enqueueOne(payload(now())));
      await sleep(1);
    }
    await Promise.all(sent);
    await done;
    await stop();
    seen.sort((a, b) => a - b);
    const at = (q) => seen[Math.min(seen.length - 1, Math.floor(seen.length * q))];
    return { p50_ms: at(0.5), p99_ms: at(0.99) };
  },

  // One job behind a backlog that was enqueued before.
  async behind(peer, { concurrency, wait_ms }) {
    let start_ms;
    let started;
    const seen = new Promise((resolve) => (started = resolve));
    const note = (data) => {
      if (data.at > 0) started((start_ms = now() - data.at));
    };
    const { run } = counter(Infinity, note, wait_ms);
    const stop = await peer.work(concurrency, run, 'pool');
    await sleep(500);
    await peer.enqueueOne(payload(now()));
    await seen;
    await stop();
    return { start_ms };
  },
};

/** Answers questions about `open({postgres, redis, namespace})` until stdin ends. */
export async function serve(open) {
  const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n');
  let peer;
  for await (const line of createInterface({ input: process.stdin })) {
    const { ask, ...what } = JSON.parse(line);
    try {
      if (ask === 'open') {
        peer = await open(what);
        say({});
      } else {
        say(await asked[ask](peer, what));
      }
    } catch (error) {
      say({ error: String(error?.stack ?? error) });
    }
  }
  await peer?.close();
  process.exit(0);
}
