// Checks a server of the EventStoreDB protocol through the official Node client:
//   node check.mjs <connection string>
// Prints "N passed, N failed" and exits with 1 if a check failed. Every stream name is fresh, so a shared server will do.
import { randomUUID } from "node:crypto";
import assert from "node:assert/strict";
import {
  ANY, BACKWARDS, END, EventStoreDBClient, FORWARDS, NO_STREAM, START, STREAM_EXISTS, binaryEvent, eventTypeFilter,
  excludeSystemEvents, jsonEvent, streamNameFilter,
} from "@eventstore/db-client";

const [connection] = process.argv.slice(2);
if (!connection) {
  console.error("usage: node check.mjs <connection string>");
  process.exit(2);
}
const client = EventStoreDBClient.connectionString(connection);
const timeLimit = 20_000; // milliseconds for one check

const events = (count, size = 20) =>
  Array.from({ length: count }, (_, i) =>
    jsonEvent({ id: randomUUID(), type: "evidence.viewed", data: { i, pad: "x".repeat(size) }, metadata: { $correlationId: "case" } }));

async function collect(stream) {
  const out = [];
  for await (const e of stream) out.push(e.event);
  return out;
}

const revisions = (list) => list.map((e) => Number(e.revision));
const refuses = (promise, type) => assert.rejects(promise, (e) => e.type === type || assert.equal(e.type ?? String(e), type));

// follow gives the next message of a subscription: an event, "caughtUp", or { checkpoint }.
function follow(subscription, queue = []) {
  let wake = () => {};
  const push = (m) => { queue.push(m); wake(); };
  subscription.on("data", (r) => push(r.event));
  subscription.on("caughtUp", () => push("caughtUp"));
  subscription.on("error", (e) => push(e));
  return {
    push,
    async next() {
      while (queue.length === 0) await new Promise((resolve) => (wake = resolve));
      const m = queue.shift();
      if (m instanceof Error) throw m;
      return m;
    },
  };
}

const checks = {
  async "append: any, no stream, exact, exists"(s) {
    await refuses(client.appendToStream(s, events(1), { expectedRevision: STREAM_EXISTS }), "wrong-expected-version");
    const first = await client.appendToStream(s, events(2), { expectedRevision: NO_STREAM });
    assert.equal(first.success, true);
    assert.equal(first.nextExpectedRevision, 1n);
    const second = await client.appendToStream(s, events(1), { expectedRevision: 1n });
    assert.equal(second.nextExpectedRevision, 2n);
    assert.ok(second.position.commit > first.position.commit + 1n, "positions have gaps");
    await client.appendToStream(s, events(1), { expectedRevision: ANY });
    await client.appendToStream(s, events(1), { expectedRevision: STREAM_EXISTS });
    assert.deepEqual(revisions(await collect(client.readStream(s))), [0, 1, 2, 3, 4]);
  },

  async "append: a conflict names both revisions"(s) {
    await client.appendToStream(s, events(3));
    await assert.rejects(client.appendToStream(s, events(1), { expectedRevision: 0n }), (e) =>
      e.type === "wrong-expected-version" && e.expectedVersion === 0n && e.actualVersion === 2n);
    const quiet = EventStoreDBClient.connectionString(`${connection}${connection.includes("?") ? "&" : "?"}throwOnAppendFailure=false`);
    const result = await quiet.appendToStream(s, events(1), { expectedRevision: NO_STREAM });
    await quiet.dispose();
    assert.equal(result.success, false);
    assert.equal(result.nextExpectedRevision, 2n);
  },

  async "append: a retry is recognised"(s) {
    const batch = events(3);
    const first = await client.appendToStream(s, batch, { expectedRevision: NO_STREAM });
    for (const expectedRevision of [NO_STREAM, ANY]) {
      const again = await client.appendToStream(s, batch, { expectedRevision });
      assert.equal(again.nextExpectedRevision, first.nextExpectedRevision);
    }
    assert.equal((await collect(client.readStream(s))).length, 3);
  },

  async "append: limits"(s) {
    await refuses(client.appendToStream(s, events(1, 1 << 20)), "maximum-append-size-exceeded");
    await refuses(client.appendToStream(s, events(300, 4000)), "maximum-append-size-exceeded");
    await refuses(collect(client.readStream(s)), "stream-not-found");
    await client.appendToStream(s, events(1, (1 << 20) - 2000), { expectedRevision: NO_STREAM });
  },

  async "append: what is stored comes back"(s) {
    const [json] = events(1);
    const binary = binaryEvent({ id: randomUUID(), type: "bytes", data: Uint8Array.of(0, 255, 7), metadata: { a: [1] } });
    await client.appendToStream(s, [json, binary]);
    const [a, b] = await collect(client.readStream(s));
    assert.deepEqual([a.id, a.type, a.isJson, a.data, a.metadata, a.streamId], [json.id, json.type, true, json.data, json.metadata, s]);
    assert.deepEqual([b.id, b.isJson, [...b.data], b.metadata], [binary.id, false, [0, 255, 7], { a: [1] }]);
    assert.ok(Math.abs(a.created.getTime() - Date.now()) < 3_600_000, "the creation time is now");
  },

  async "append: deadline"(s) {
    await refuses(client.appendToStream(s, events(1), { deadline: -1 }), "deadline-exceeded");
  },

  async "read: both directions, counts and revisions"(s) {
    await client.appendToStream(s, events(100));
    for (const [options, want] of [
      [{ maxCount: 3 }, [0, 1, 2]],
      [{ fromRevision: 98n }, [98, 99]],
      [{ fromRevision: 200n }, []],
      [{ direction: BACKWARDS, fromRevision: END, maxCount: 2 }, [99, 98]],
      [{ direction: BACKWARDS, fromRevision: 2n }, [2, 1, 0]],
      [{ direction: BACKWARDS, fromRevision: START }, [0]],
    ]) assert.deepEqual(revisions(await collect(client.readStream(s, options))), want, JSON.stringify(want));
    assert.equal((await collect(client.readStream(s, { direction: FORWARDS, fromRevision: START }))).length, 100);
    await refuses(collect(client.readStream(s + "-absent")), "stream-not-found");
  },

  async "read all: both directions and positions"(s) {
    const first = await client.appendToStream(`${s}-0`, events(1));
    const sent = [];
    for (let i = 1; i < 40; i++) {
      const [e] = events(1);
      await client.appendToStream(`${s}-${i % 3}`, e);
      sent.push(e.id);
    }
    const ours = (list) => list.filter((e) => e.streamId.startsWith(s)).map((e) => e.id);
    const forwards = ours(await collect(client.readAll({ fromPosition: first.position })));
    assert.deepEqual(forwards.slice(1), sent, "the position is included forwards");
    const back = ours(await collect(client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 39 })));
    assert.deepEqual(back.reverse(), sent.slice(-back.length));
    const [one] = await collect(client.readAll({ fromPosition: first.position, maxCount: 1 }));
    assert.deepEqual(one.position, first.position);
    const before = await collect(client.readAll({ direction: BACKWARDS, fromPosition: first.position, maxCount: 1 }));
    assert.ok(before.every((e) => e.position.commit < first.position.commit), "the position is excluded backwards");
  },

  async "metadata: set twice, retention"(s) {
    await client.appendToStream(s, events(10));
    assert.equal((await client.getStreamMetadata(s)).metadata, undefined);
    for (const maxCount of [5, 2]) {
      await client.setStreamMetadata(s, { maxCount, owner: "us" });
      const { metadata } = await client.getStreamMetadata(s);
      assert.deepEqual([metadata.maxCount, metadata.owner], [maxCount, "us"]);
      assert.equal((await collect(client.readStream(s))).length, maxCount);
    }
    await client.setStreamMetadata(s, { truncateBefore: 7 });
    assert.deepEqual(revisions(await collect(client.readStream(s))), [7, 8, 9]);
  },

  async "delete, then recreate"(s) {
    await client.appendToStream(s, events(3));
    await refuses(client.deleteStream(s, { expectedRevision: 0n }), "wrong-expected-version");
    const { position } = await client.deleteStream(s, { expectedRevision: 2n });
    assert.ok(position.commit > 0n);
    await refuses(collect(client.readStream(s)), "stream-not-found");
    await client.appendToStream(s, events(2), { expectedRevision: NO_STREAM });
    assert.deepEqual(revisions(await collect(client.readStream(s))), [3, 4]);
  },

  async "tombstone"(s) {
    await client.appendToStream(s, events(1));
    await client.tombstoneStream(s);
    await refuses(client.appendToStream(s, events(1)), "stream-deleted");
    await refuses(collect(client.readStream(s)), "stream-deleted");
  },

  async "subscribe to a stream"(s) {
    await client.appendToStream(s, events(3));
    const subscription = client.subscribeToStream(s, { fromRevision: 0n });
    const live = follow(subscription);
    assert.equal((await live.next()).revision, 1n);
    assert.equal((await live.next()).revision, 2n);
    assert.equal(await live.next(), "caughtUp");
    await client.appendToStream(s + "-other", events(1));
    await client.appendToStream(s, events(1));
    assert.equal((await live.next()).revision, 3n);
    await subscription.unsubscribe();
  },

  async "subscribe to all with a prefix filter and checkpoints"(s) {
    for (let i = 0; i < 40; i++) await client.appendToStream(`${s}-${i % 2}`, events(1));
    const queue = [];
    const subscribe = (fromPosition) => {
      const live = {};
      const subscription = client.subscribeToAll({
        fromPosition,
        filter: streamNameFilter({
          prefixes: [`${s}-1`], maxSearchWindow: 4, checkpointInterval: 2,
          checkpointReached: async (_, position) => live.push?.({ checkpoint: position }),
        }),
      });
      return Object.assign(live, follow(subscription, queue), { subscription });
    };
    let live = subscribe(START);
    const got = [];
    let last, checkpoints = 0;
    for (let m = await live.next(); m !== "caughtUp"; m = await live.next()) {
      if (m.checkpoint) { last = m.checkpoint; checkpoints++; } else got.push(Number(m.revision));
    }
    assert.deepEqual(got, Array.from({ length: 20 }, (_, i) => i));
    assert.ok(checkpoints >= 2, `${checkpoints} checkpoints`);
    await live.subscription.unsubscribe();
    await client.appendToStream(`${s}-1`, events(1));
    queue.length = 0;
    live = subscribe(last);
    let m = await live.next();
    while (m.checkpoint) m = await live.next();
    assert.equal(m.revision, 20n, "resumed from the last checkpoint");
    await live.subscription.unsubscribe();
  },

  async "subscribe to all from the end, by event type and regular expression"(s) {
    const type = `t${randomUUID()}`;
    const open = [
      client.subscribeToAll({ fromPosition: END, filter: eventTypeFilter({ prefixes: [type] }) }),
      client.subscribeToAll({ fromPosition: END, filter: eventTypeFilter({ regex: `^${type}$` }) }),
      client.subscribeToAll({ fromPosition: END, filter: excludeSystemEvents() }),
    ];
    const live = open.map((o) => follow(o));
    await Promise.all(open.map((o) => new Promise((resolve) => o.once("confirmation", resolve))));
    const event = jsonEvent({ id: randomUUID(), type, data: {} });
    await client.appendToStream(s, event);
    for (const l of live) {
      let m = await l.next();
      while (m === "caughtUp" || m.streamId !== s) m = await l.next();
      assert.equal(m.id, event.id);
    }
    await Promise.all(open.map((o) => o.unsubscribe()));
  },

  async "protected stream"(s) {
    if (process.env.PROTECTED !== "1") return; // only the embedded server has such streams
    const name = `ledger-${s}`;
    await client.appendToStream(name, events(2));
    await refuses(client.deleteStream(name), "access-denied");
    await refuses(client.tombstoneStream(name), "access-denied");
    for (const metadata of [{ maxCount: 1 }, { maxAge: 1 }, { truncateBefore: 1 }]) {
      await refuses(client.setStreamMetadata(name, metadata), "access-denied");
    }
    await client.setStreamMetadata(name, { owner: "us" });
    assert.equal((await collect(client.readStream(name))).length, 2);
  },
};

let passed = 0, failed = 0, number = 0;
for (const [name, check] of Object.entries(checks)) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("no result in time")), timeLimit); });
  try {
    await Promise.race([check(`node${number++}-${randomUUID()}`), late]);
    passed++;
  } catch (error) {
    failed++;
    console.error(`FAILED ${name}: ${error?.stack ?? error}`);
  } finally {
    clearTimeout(timer);
  }
}
console.log(`${passed} passed, ${failed} failed`);
await client.dispose();
process.exit(failed === 0 ? 0 : 1);
