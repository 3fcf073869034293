import { supportDesk } from "./agents.js";
import { inngest } from "./inngest.js";

const answers = new Map<string, string>();

export const answerTicket = inngest.createFunction(
  { id: "answer-ticket", retries: 2 },
  { event: "support/ticket.created" },
  async ({ event, step }) => {
    const { ticket, question, urgent } = event.data;
    if (urgent) {
      await step.sendEvent("tell-team", { name: "support/ticket.urgent", data: { ticket } });
    }
    const result = await supportDesk.run(question);
    const last = result.state.results.at(-1)?.output.at(-1);
    const answer = last?.type === "text" ? String(last.content) : "";
    await step.run("save-answer", () => {
      answers.set(ticket, answer);
    });
    return answer;
  },
);

export const pageTeam = inngest.createFunction(
  { id: "page-team" },
  { event: "support/ticket.urgent" },
  async ({ event, step }) => {
    await step.run("page", () => `paged for ${event.data.ticket}`);
  },
);
