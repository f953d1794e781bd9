// How well vendors answer, for anybody.

import { ask, makeKey, register, topUp } from './support/api.ts';
import { expect, test } from './support/journey.ts';

interface Offer {
  model: string;
  attempts: number;
  uptime_bps: number | null;
  slices: { attempts: number; failures: number }[];
}

interface Status {
  now: string;
  vendors: { name: string; offers: Offer[] }[];
}

test('the foot of a page leads to the status, which says how things stand in words', async ({ page, visit }) => {
  await visit('/');
  await page.getByRole('contentinfo').getByRole('link', { name: 'Status', exact: true }).click();
  await expect(page).toHaveURL(/\/status$/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Status');
  await expect(page.getByRole('region', { name: 'Do vendors answer?' }).locator('.chip')).toBeVisible();
  const books = page.getByRole('region', { name: 'Do the books balance?' });
  await expect(books.getByText(/^Checked \d+ (s|min) ago/)).toBeVisible();
  await books.getByRole('link').click();
  await expect(page).toHaveURL(/\/books$/);
});

test('a model that was asked is measured, on the status page and on its own', async ({ page, visit, request }) => {
  test.setTimeout(150_000);
  const buyer = await register(request);
  await topUp(request, buyer);
  const answer = await ask(request, await makeKey(request, buyer));
  expect(answer.status(), await answer.text()).toBe(200);
  const model = 'openai/gpt-5-mini';
  const measured = async () => {
    const status = (await (await request.get('/api/v1/status')).json()) as Status;
    return status.vendors.flatMap((vendor) => vendor.offers).find((offer) => offer.model === model);
  };
  // Servers write down once a minute what they measured.
  await expect.poll(async () => (await measured())?.attempts ?? 0, { timeout: 130_000 }).toBeGreaterThan(0);
  expect((await measured())?.slices).toHaveLength(24);

  await visit('/status');
  const row = page.getByRole('row').filter({ has: page.locator(`a[href="/models/${model}"]`) });
  await expect(row.locator('svg.strip')).toBeVisible();
  await expect(row).toContainText(/Of 24 hours/);
  await row.getByRole('link', { name: model }).click();
  await expect(page).toHaveURL(/\/models\/openai\/gpt-5-mini$/);
  const section = page.getByRole('region', { name: 'Measured here, last 24 hours' });
  await expect(section.getByRole('rowheader', { name: 'OpenAI' })).toBeVisible();
});

test('the status fits a narrow screen', async ({ page, visit }) => {
  await page.setViewportSize({ width: 320, height: 700 });
  await visit('/status');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  expect(overflow).toBe(0);
});
