// Looking around without an account.

import type { Page } from '@playwright/test';
import { expect, test } from './support/journey.ts';

/** Filters are folded away on small screens, and in browsers that cannot show folded ones on large screens. */
async function openFilters(page: Page): Promise<void> {
  const fold = page.locator('.filters > summary');
  if (await fold.isVisible()) {
    await fold.click();
  }
}

test('a visitor goes from the front page to the models', async ({ page, visit }) => {
  await visit('/');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Models' }).click();
  await expect(page).toHaveURL(/\/models$/);
  await expect(page.getByLabel('Models found').locator('a[href^="/models/"]').first()).toBeVisible();
});

test('filters live in the address, and a model has a page', async ({ page, visit }) => {
  await visit('/models?provider=anthropic');
  const found = page.getByLabel('Models found').locator('a[href^="/models/"]');
  const targets = await found.evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''));
  expect(targets.length).toBeGreaterThan(0);
  expect(targets.filter((target) => !target.startsWith('/models/anthropic/'))).toEqual([]);

  await visit('/models?q=gpt-5-mini');
  await page.getByLabel('Models found').locator('a[href="/models/openai/gpt-5-mini"]').first().click();
  await expect(page).toHaveURL(/\/models\/openai\/gpt-5-mini$/);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('GPT-5 Mini');
  await expect(page).toHaveTitle(/GPT-5 Mini/);
});

test('words that match nothing say what to do', async ({ page, visit }) => {
  await visit('/models?q=there-is-no-such-model');
  await expect(page.getByLabel('Models found').locator('.empty')).toBeVisible();
});

test('a misspelt name finds the model', async ({ page, visit }) => {
  for (const [q, name] of [['calude', /Claude/], ['gtp-4', /^GPT-4$/], ['mistrl', /Mistral/], ['lama 3', /Llama.3/]] as const) {
    await visit(`/models?q=${encodeURIComponent(q)}`);
    await expect(page.getByLabel('Models found').getByRole('heading', { level: 3 }).first().getByRole('link')).toHaveText(name);
  }
});

test('a filter leaves as many as it says, is a chip, and can be taken back', async ({ page, visit, javaScriptEnabled }) => {
  await visit('/models');
  const all = await page.getByLabel('Models found').getByText(/^\d+ models$/).innerText();
  const box = page.getByRole('group', { name: 'Provider' }).getByRole('checkbox', { name: /^Anthropic/ });
  const said = await page.getByRole('group', { name: 'Provider' }).getByText(/^Anthropic/).locator('.num').innerText();
  await openFilters(page);
  await box.check();
  if (!javaScriptEnabled) {
    await page.getByRole('button', { name: 'Apply filters' }).click();
  }
  await expect(page).toHaveURL(/provider=anthropic/);
  await expect(page.getByLabel('Models found').getByText(`${said} models`, { exact: true })).toBeVisible();
  await expect(page.getByRole('group', { name: 'Provider' }).getByRole('checkbox', { name: /^Anthropic/ })).toBeChecked();
  await page.getByRole('list', { name: 'Active filters' }).getByRole('link', { name: /^Anthropic/ }).click();
  await expect(page).toHaveURL(/\/models$/);
  await expect(page.getByLabel('Models found').getByText(all, { exact: true })).toBeVisible();
});

test('several makers and a bound stand in the address, and a filter too many is named', async ({ page, visit }) => {
  await visit('/models?provider=anthropic&provider=openai&max_price=5&min_context=200000');
  const chips = page.getByRole('list', { name: 'Active filters' }).getByRole('link');
  await expect(chips).toHaveCount(5);
  await page.getByRole('link', { name: 'Clear all' }).click();
  await expect(page).toHaveURL(/\/models$/);

  await visit('/models?provider=anthropic&kind=image');
  await page.getByRole('link', { name: /^Without Anthropic \(\d+\)$/ }).click();
  await expect(page).toHaveURL(/\/models\?kind=image$/);
  await expect(page.getByLabel('Models found').locator('a[href^="/models/"]').first()).toBeVisible();
});

test('the table is ordered by its headings, there and back', async ({ page, visit }) => {
  await visit('/models');
  await page.getByRole('navigation', { name: 'Shown as' }).getByRole('link', { name: 'Table' }).click();
  await expect(page).toHaveURL(/view=table/);
  await page.getByRole('columnheader', { name: 'Input, $ / M' }).getByRole('link').click();
  await expect(page).toHaveURL(/sort=price/);
  await expect(page.getByRole('columnheader', { name: /^Input/ })).toHaveAttribute('aria-sort', 'ascending');
  await page.getByRole('columnheader', { name: /^Input/ }).getByRole('link').click();
  await expect(page.getByRole('columnheader', { name: /^Input/ })).toHaveAttribute('aria-sort', 'descending');
  const file = await page.request.get((await page.getByRole('link', { name: 'CSV' }).getAttribute('href')) ?? '');
  expect(file.headers()['content-type']).toContain('text/csv');
});

for (const odd of ['page=-1', 'sort=zzz', 'min_context=lots&max_price=cheap', `q=${'x'.repeat(5_000)}`, 'q=%F0%9F%92%B0', 'kind=%D7%9E']) {
  test(`/models?${odd.slice(0, 40)} is a sensible page`, async ({ page }) => {
    const answer = await page.goto(`/models?${odd}`);
    expect(answer?.status()).toBe(200);
    await expect(page.getByLabel('Models found').getByRole('status')).toBeVisible();
  });
}

for (const path of ['/there-is-no-such-page', '/models/nobody/nothing', '/receipts/not-a-receipt']) {
  test(`${path} is answered with 404 and a way on`, async ({ page }) => {
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(404);
    await expect(page.getByRole('main').getByRole('link').first()).toBeVisible();
  });
}
