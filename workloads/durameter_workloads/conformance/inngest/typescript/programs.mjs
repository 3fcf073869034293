// @ts-check
// The programs: each is one root function, triggered by the app's event `root`, and what it needs besides.

import { experiment, NonRetriableError, RetryAfterError, staticSchema } from "inngest";
import { createDefer } from "inngest/experimental";
import { channel } from "inngest/realtime";

/**
 * @typedef {object} Place
 * @property {import("inngest").Inngest} client
 * @property {(name: string) => string} event the app's own name of an event
 * @property {string} own base URL of what model.mjs answers
 *
 * @typedef {(place: Place) => import("inngest").InngestFunction.Any[]} Program
 * @typedef {import("inngest").Context} Context
 */

/** @type {Map<string, number>} */
const tries = new Map();

/**
 * Throw the first times.
 *
 * @param {string} key
 * @param {number} times
 * @param {() => Error} error
 */
function fail(key, times, error = () => new Error("as meant")) {
  const seen = tries.get(key) ?? 0;
  tries.set(key, seen + 1);
  if (seen < times) {
    throw error();
  }
  return seen;
}

/**
 * @param {Place} place
 * @param {(context: Context) => Promise<unknown>} handler
 * @param {object} options
 */
function root(place, handler, options = {}) {
  const triggers = [{ event: place.event("root") }];
  return place.client.createFunction({ id: "root", retries: 2, triggers, ...options }, handler);
}

/**
 * A function of one step.
 *
 * @param {Place} place
 * @param {string} id
 * @param {string} event
 */
function helper(place, id, event) {
  return place.client.createFunction({ id, triggers: [{ event: place.event(event) }] }, ({ step }) =>
    step.run("help", () => "done"),
  );
}

/** @type {Record<string, Program>} */
export const programs = {
  three_steps: (place) => [
    root(place, async ({ step }) => {
      for (const name of ["first", "second", "third"]) {
        await step.run(name, () => name);
      }
    }),
  ],

  same_id: (place) => [
    root(place, async ({ step }) => {
      for (let round = 0; round < 4; round++) {
        await step.run("again", () => round);
      }
    }),
  ],

  parallel: (place) => [
    root(place, async ({ step }) => {
      await Promise.all(["left", "middle", "right"].map((name) => step.run(name, () => name)));
      await step.run("last", () => "last");
    }),
  ],

  race: (place) => [
    root(place, async ({ step, group }) => {
      await group.parallel(() =>
        Promise.race([
          step.run("quick", () => "quick"),
          step.run("slow", () => new Promise((resolve) => setTimeout(resolve, 1000, "slow"))),
        ]),
      );
      await step.run("last", () => "last");
    }),
  ],

  fetch: (place) => [
    root(place, async ({ step }) => {
      await step.run("before", () => "before");
      await step.fetch(`${place.own}/page`);
    }),
  ],

  ai_wrap: (place) => [
    root(place, async ({ step }) => {
      await step.ai.wrap("think", async (/** @type {string} */ prompt) => ({ text: prompt }), "hello");
    }),
  ],

  ai_infer: (place) => [
    root(place, async ({ step, runId }) => {
      await step.ai.infer("think", {
        model: step.ai.models.openai({
          model: "gpt-4o",
          apiKey: "none",
          baseUrl: `${place.own}/fails/0/${runId}/`,
        }),
        body: { messages: [{ role: "user", content: "hello" }] },
      });
    }),
  ],

  ai_infer_fails: (place) => [
    root(place, async ({ step, runId }) => {
      await step.ai.infer("think", {
        model: step.ai.models.openai({
          model: "gpt-4o",
          apiKey: "none",
          baseUrl: `${place.own}/fails/1/${runId}/`,
        }),
        body: { messages: [{ role: "user", content: "hello" }] },
      });
    }),
  ],

  sleep: (place) => [
    root(place, async ({ step }) => {
      await step.run("before", () => "before");
      await step.sleep("rest", "1s");
      await step.run("after", () => "after");
    }),
  ],

  wait: (place) => [
    root(place, async ({ step, event }) => {
      await step.run("before", () => "before");
      await step.waitForEvent("answer", { event: place.event("answer"), timeout: event.data.timeout });
      await step.run("after", () => "after");
    }),
  ],

  signal: (place) => [
    root(place, async ({ step }) => {
      await step.waitForSignal("wait", { signal: place.event("go"), timeout: "1m", onConflict: "fail" });
    }),
    place.client.createFunction({ id: "teller", triggers: [{ event: place.event("tell") }] }, ({ step }) =>
      step.sendSignal("tell", { signal: place.event("go"), data: {} }),
    ),
  ],

  invoke: (place) => {
    const child = helper(place, "child", "child");
    return [
      root(place, async ({ step }) => {
        await step.invoke("call", { function: child, data: {} });
      }),
      child,
    ];
  },

  fan_out: (place) => [
    root(place, async ({ step }) => {
      await step.sendEvent("tell", [
        { name: place.event("news"), data: {} },
        { name: place.event("news"), data: {} },
        { name: place.event("heard_by_nobody"), data: {} },
      ]);
    }),
    helper(place, "one", "news"),
    helper(place, "other", "news"),
  ],

  step_fails_once: (place) => [
    root(place, async ({ step, runId }) => {
      await step.run("before", () => "before");
      await step.run("shaky", () => fail(runId, 1));
      await step.run("after", () => "after");
    }),
  ],

  step_caught: (place) => [
    root(place, async ({ step }) => {
      try {
        await step.run("broken", () => fail("always", Number.POSITIVE_INFINITY));
      } catch {
        await step.run("instead", () => "instead");
      }
    }),
  ],

  parallel_fails: (place) => [
    root(place, async ({ step, runId }) => {
      await Promise.all([step.run("steady", () => "steady"), step.run("shaky", () => fail(runId, 1))]);
    }),
  ],

  non_retriable: (place) => [
    root(place, async ({ step }) => {
      await step.run("before", () => "before");
      await step.run("broken", () => {
        throw new NonRetriableError("as meant");
      });
    }),
  ],

  retry_after: (place) => [
    root(place, async ({ step, runId }) => {
      await step.run("before", () => "before");
      await step.run("limited", () => fail(runId, 1, () => new RetryAfterError("as meant", "1s")));
    }),
  ],

  function_fails: (place) => [
    root(place, async ({ step, runId }) => {
      await step.run("before", () => "before");
      fail(runId, 2);
    }),
  ],

  on_failure: (place) => [
    root(
      place,
      async ({ step }) => {
        await step.run("broken", () => fail("always", Number.POSITIVE_INFINITY));
      },
      {
        retries: 1,
        onFailure: async (/** @type {Context} */ { step }) => {
          await step.run("amends", () => "made");
        },
      },
    ),
  ],

  large: (place) => [
    root(place, async ({ step }) => {
      await step.run("large", () => "ä".repeat(1_000_000));
      return step.run("small", () => "small");
    }),
  ],

  publish: (place) => {
    const news = channel({ name: place.event("news"), topics: { words: { schema: staticSchema() } } });
    return [
      root(place, async ({ step }) => {
        await step.realtime.publish("say", news.words, { word: "hello" });
        await place.client.realtime.publish(news.words, { word: "beside" }); // no step
        await step.run("after", () => "after");
      }),
    ];
  },

  experiment: (place) => [
    root(place, async ({ step, group }) => {
      await group.experiment("which", {
        variants: { only: () => step.run("variant", () => "done") },
        select: experiment.fixed("only"),
      });
    }),
  ],

  defer: (place) => {
    const later = createDefer(place.client, { id: "later" }, async ({ step }) => {
      await step.run("late", () => "late");
    });
    return [
      root(place, async ({ step, defer }) => {
        await step.run("before", () => "before");
        defer("put_off", { function: later, data: {} });
        await step.run("after", () => "after");
      }),
      later,
    ];
  },
};
