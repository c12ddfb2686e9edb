# Sidekiq: Redis only. Speaks the protocol of protocol.mjs. Bulk by push_bulk of 1,000
# (https://github.com/sidekiq/sidekiq/wiki/Bulk-Queueing); one process of several threads inside this one, as its own load
# test does (bin/sidekiqload): 6.x by its Launcher, 7 and newer by Sidekiq.configure_embed. Ten threads: more of them
# wait for the interpreter's lock where jobs do nothing
# (https://github.com/sidekiq/sidekiq/wiki/Advanced-Options#concurrency). A job waits in `queue:bench` and is taken out of
# Redis when it starts: one that runs when the process is killed is lost.

require "json"
require "sidekiq"
require "sidekiq/api"
require "uri"

# Sidekiq 6 with the redis gem 4.8 complains of its own calls, once a job.
Redis.silence_deprecations = true if defined?(Redis) && Redis.respond_to?(:silence_deprecations=)

BYTES = 200
QUEUE = "bench"
THREADS = 10
CLOCK = Process::CLOCK_MONOTONIC

def now = Process.clock_gettime(CLOCK)

# Runs what the question in hand wants done with a job.
class Nothing
  include Sidekiq::Worker
  sidekiq_options queue: QUEUE, retry: false

  class << self
    attr_accessor :run
  end

  def perform(data) = self.class.run&.call(data)
end

# A payload of BYTES bytes as JSON; `at` in seconds of the clock above.
def payload(at)
  bare = {"at" => at.round(6), "pad" => ""}
  bare.merge("pad" => "x" * (BYTES - bare.to_json.bytesize))
end

# Yields `total` times, from so many threads.
def in_flight(total, at_a_time)
  left = Thread::Queue.new
  total.times { |n| left << n }
  left.close
  Array.new(at_a_time) { Thread.new { yield while left.pop } }.each(&:join)
end

def seconds
  start = now
  yield
  {seconds: now - start}
end

# Calls the block for each job, until `goal` of them have run.
class Counter
  def initialize(goal, &note)
    @goal, @note, @count, @lock, @reached = goal, note, 0, Mutex.new, ConditionVariable.new
  end

  def call(data)
    @note&.call(data)
    @lock.synchronize { @reached.signal if (@count += 1) == @goal }
  end

  def wait = @lock.synchronize { @reached.wait(@lock) while @count < @goal }
end

# Starts a worker of so many threads around the block, and stops it after.
def working(run, threads)
  Nothing.run = run
  if Sidekiq.respond_to?(:configure_embed)
    worker = Sidekiq.configure_embed do |config|
      config.logger.level = Logger::ERROR
      config.queues = [QUEUE]
      config.concurrency = threads
    end
    worker.run
  else
    require "sidekiq/launcher"
    Sidekiq.logger.level = Logger::ERROR
    options = Sidekiq.options.merge(queues: [QUEUE], concurrency: threads, timeout: 1)
    options[:fetch] = Sidekiq::BasicFetch.new(options)
    worker = Sidekiq::Launcher.new(options)
    worker.run
  end
  yield
ensure
  worker&.stop
end

ASKED = {
  "enqueue" => lambda do |ask|
    part = Array.new(ask["batch"]) { [payload(0)] }
    seconds do
      in_flight(ask["count"] / ask["batch"], ask["calls"]) do
        Sidekiq::Client.push_bulk("class" => Nothing, "args" => part, "batch_size" => ask["batch"])
      end
    end
  end,
  "drain" => lambda do |ask|
    counter = Counter.new(ask["count"])
    took = nil
    start = now
    working(counter, THREADS) do
      counter.wait
      took = now - start
    end
    {seconds: took}
  end,
  "one_by_one" => lambda do |ask|
    one = payload(0)
    # Connections are made before the clock runs.
    in_flight(ask["calls"], ask["calls"]) { Nothing.perform_async(one) }
    seconds { in_flight(ask["count"], ask["calls"]) { Nothing.perform_async(one) } }
  end,
  "latency" => lambda do |ask|
    seen = Thread::Queue.new
    counter = Counter.new(ask["count"]) { |data| seen << now - data["at"] }
    working(counter, THREADS) do
      sleep 1
      start = now
      ask["count"].times do |n|
        early = start + n.fdiv(ask["rate"]) - now
        sleep early if early.positive?
        Nothing.perform_async(payload(now))
      end
      counter.wait
    end
    times = Array.new(seen.size) { seen.pop * 1000 }.sort
    {p50_ms: times[times.size / 2], p99_ms: times[times.size * 99 / 100]}
  end,
  "behind" => lambda do |ask|
    started = Thread::Queue.new
    run = lambda do |data|
      started << now - data["at"] if data["at"].positive?
      sleep ask["wait_ms"] / 1000.0
    end
    took = nil
    working(run, ask["concurrency"]) do
      sleep 0.5
      Nothing.perform_async(payload(now))
      took = started.pop
    end
    {start_ms: took * 1000}
  end
}

# It has no prefix of its own (that gem is another's), so it works in a database of Redis where nobody else is likely to be,
# and removes what it writes: the queue and its statistics.
DATABASE = 15

def clean
  Sidekiq::Queue.new(QUEUE).clear
  Sidekiq.redis { |redis| redis.call("KEYS", "stat:*").each { |key| redis.call("DEL", key) } }
end

$stdout.sync = true
$stdin.each_line do |line|
  ask = JSON.parse(line)
  answer =
    if ask["ask"] == "open"
      url = URI(ask["redis"]).tap { |at| at.path = "/#{DATABASE}" }.to_s
      redis = {url: url, size: 60}
      Sidekiq.configure_client { |config| config.redis = redis }
      Sidekiq.configure_server { |config| config.redis = redis }
      clean
      {}
    else
      ASKED.fetch(ask["ask"]).call(ask)
    end
  puts answer.to_json
rescue => error
  puts({error: error.full_message(highlight: false)}.to_json)
end
clean
