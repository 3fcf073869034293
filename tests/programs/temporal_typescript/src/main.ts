// Starts a worker, takes in two customers, reminds one, and ends: `npm start`.
import { Client, Connection, WorkflowUpdateFailedError } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import * as activities from './activities';
import { confirmed, onboarding, reminder, setPlan, stage, type Customer } from './workflows';

const address = process.env.TEMPORAL_ADDRESS ?? 'localhost:7233';
const namespace = process.env.TEMPORAL_NAMESPACE ?? 'default';
const taskQueue = 'customers';

async function takeIn(client: Client, customer: Customer, plans: string[]): Promise<string> {
  const handle = await client.workflow.start(onboarding, {
    workflowId: `${customer.name}/onboarding`,
    taskQueue,
    args: [customer],
  });
  for (const plan of plans) {
    try {
      await handle.executeUpdate(setPlan, { args: [plan] });
    } catch (error) {
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      console.log(`${customer.name}: ${error.cause?.message}`);
    }
  }
  await handle.signal(confirmed);
  const result = await handle.result();
  console.log(`${customer.name} ended at ${await handle.query(stage)}`);
  return result;
}

async function remind(client: Client, name: string): Promise<string> {
  await client.workflow.execute(reminder, { workflowId: `${name}/reminder`, taskQueue, args: [name, 2] });
  return `${name} was reminded`;
}

async function main(): Promise<void> {
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    namespace,
    taskQueue,
    workflowsPath: require.resolve('./workflows'),
    activities,
  });
  const client = new Client({ connection: await Connection.connect({ address }), namespace });
  await worker.runUntil(async () => {
    const results = await Promise.all([
      takeIn(client, { name: 'customer-1', pages: 3, registryAnswersAt: 1 }, ['gold', 'team']),
      takeIn(client, { name: 'customer-2', pages: 4, registryAnswersAt: 3 }, ['team', 'company']),
      remind(client, 'customer-1'),
    ]);
    console.log(results.join('\n'));
  });
  await client.connection.close();
  await connection.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
