import { activityInfo, heartbeat, sleep } from '@temporalio/activity';

export async function sendMail(to: string, subject: string): Promise<void> {
  console.log(`mail to ${to}: ${subject}`);
}

/** The registry is down now and then: it answers at the attempt that is given. */
export async function checkName(name: string, answersAt: number): Promise<string> {
  if (activityInfo().attempt < answersAt) {
    throw new Error('the registry did not answer');
  }
  return name.toUpperCase();
}

/** Copies page after page and says how far it is. */
export async function copyArchive(pages: number): Promise<number> {
  for (let page = 1; page <= pages; page++) {
    heartbeat(page);
    await sleep(20);
  }
  return pages;
}

export async function price(plan: string): Promise<number> {
  return plan.length * 10;
}
