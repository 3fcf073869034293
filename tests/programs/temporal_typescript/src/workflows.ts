import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  executeChild,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type * as activities from './activities';

const { sendMail, checkName, copyArchive } = proxyActivities<typeof activities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '10 seconds',
  retry: { initialInterval: '100 ms' },
});

const { price } = proxyLocalActivities<typeof activities>({ startToCloseTimeout: '5 seconds' });

export const confirmed = defineSignal('confirmed');
export const stage = defineQuery<string>('stage');
export const setPlan = defineUpdate<number, [string]>('setPlan');

export interface Customer {
  name: string;
  pages: number;
  registryAnswersAt: number;
}

/** From the first mail until the customer's archive is copied. */
export async function onboarding(customer: Customer): Promise<string> {
  let plan = 'free';
  let isConfirmed = false;
  let at = 'mail';
  setHandler(stage, () => at);
  setHandler(confirmed, () => void (isConfirmed = true));
  setHandler(
    setPlan,
    (wanted) => {
      plan = wanted;
      return plan.length;
    },
    {
      validator: (wanted) => {
        if (!['free', 'team', 'company'].includes(wanted)) {
          throw new Error(`there is no plan ${wanted}`);
        }
      },
    },
  );
  await sendMail(customer.name, 'Please confirm');
  await condition(() => isConfirmed);
  const name = await checkName(customer.name, customer.registryAnswersAt);
  at = 'archive';
  const copied = await executeChild(archive, {
    workflowId: `${customer.name}/archive`,
    args: [customer.pages],
  });
  await sleep('300 ms');
  const euros = await price(plan);
  return `${name}: ${copied} pages, ${euros} euros`;
}

export async function archive(pages: number): Promise<number> {
  return await copyArchive(pages);
}

/** Reminds a customer once a round until somebody answers, or the rounds are over. */
export async function reminder(name: string, rounds: number): Promise<number> {
  let answered = false;
  setHandler(confirmed, () => void (answered = true));
  await sendMail(name, `${rounds} more reminders will follow`);
  if (await condition(() => answered, '300 ms')) {
    return rounds;
  }
  if (rounds > 0) {
    await continueAsNew<typeof reminder>(name, rounds - 1);
  }
  return 0;
}
