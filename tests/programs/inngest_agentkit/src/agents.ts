import { createAgent, createNetwork, createTool, openai } from "@inngest/agent-kit";
import { z } from "zod";

const model = openai({
  model: "gpt-4o-mini",
  apiKey: process.env.OPENAI_API_KEY,
  baseUrl: process.env.OPENAI_BASE_URL,
});

const lookUpOrder = createTool({
  name: "look_up_order",
  description: "Look up an order of the customer.",
  parameters: z.object({ order: z.string() }),
  handler: async ({ order }, { step }) => {
    return await step?.run("look-up-order", () => ({ order, state: "shipped", carrier: "DHL" }));
  },
});

const researcher = createAgent({
  name: "researcher",
  description: "Finds out what the customer's question is about.",
  system: "You find the facts that an answer to the customer needs. Use the tools that you have.",
  tools: [lookUpOrder],
});

const writer = createAgent({
  name: "writer",
  description: "Writes the answer.",
  system: "You write a short, friendly answer to the customer, by the facts that were found.",
});

export const supportDesk = createNetwork({
  name: "support-desk",
  agents: [researcher, writer],
  defaultModel: model,
  // The order of the agents is fixed: no model call is spent on routing.
  router: ({ callCount }) => [researcher, writer][callCount],
});
