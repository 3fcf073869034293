import { EventSchemas, Inngest } from "inngest";

type Events = {
  "support/ticket.created": { data: { ticket: string; customer: string; question: string; urgent: boolean } };
  "support/ticket.urgent": { data: { ticket: string } };
};

export const inngest = new Inngest({ id: "support-desk", schemas: new EventSchemas().fromRecord<Events>() });
