// Finding the right model: side by side, by what it is for, in a drawing, and from a wrong address.

import { expect, test } from './support/journey.ts';

const TWO = '/compare?models=openai/gpt-5-mini,anthropic/claude-haiku-4-5';

test('a model from the list is compared with another, and one is taken away again', async ({ page, visit }) => {
  await visit('/models?q=gpt-5-mini');
  await page.getByLabel('Models found').getByRole('link', { name: /^Compare GPT-5 Mini/ }).first().click();
  await expect(page).toHaveURL(/\/compare\?models=openai\/gpt-5-mini$/);
  await expect(page.getByRole('columnheader', { name: /GPT-5 Mini/ })).toBeVisible();

  await page.getByLabel('Add a model').fill('claude haiku 4.5');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('columnheader', { name: /Claude Haiku 4.5/ })).toBeVisible();
  await expect(page.getByRole('columnheader', { name: /GPT-5 Mini/ })).toBeVisible();
  const input = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: /Input$/ }) });
  await expect(input.getByText('lowest')).toHaveCount(1);

  await page.getByRole('link', { name: 'Remove GPT-5 Mini' }).click();
  await expect(page.getByRole('columnheader', { name: /GPT-5 Mini/ })).toHaveCount(0);
  await expect(page.getByRole('columnheader', { name: /Claude Haiku 4.5/ })).toBeVisible();
});

test('only the rows that differ can be shown', async ({ page, visit }) => {
  await visit(TWO);
  const rows = page.getByRole('table').getByRole('row');
  const all = await rows.count();
  await page.getByRole('link', { name: 'Show only what differs' }).click();
  await expect(page).toHaveURL(/rows=differences/);
  await expect(page.getByRole('link', { name: 'Show all rows' })).toBeVisible();
  expect(await rows.count()).toBeLessThan(all);
});

test('a model is recommended for a task, with every part of its score', async ({ page, visit }) => {
  await visit('/recommend');
  await page.getByLabel('What it is for').selectOption('coding');
  await page.getByLabel('Tools', { exact: true }).check();
  await page.getByLabel(/^Price at most/).fill('20');
  await page.getByRole('button', { name: 'Recommend' }).click();
  await expect(page).toHaveURL(/task=coding/);
  await expect(page.getByRole('heading', { level: 2, name: 'Write and mend programs' })).toBeVisible();
  const first = page.locator('.pick').first();
  await expect(first.getByRole('rowheader', { name: 'Quality' })).toBeVisible();
  await expect(first.getByRole('rowheader', { name: 'Privacy' })).toBeVisible();
  await expect(page.locator('.runner-up')).toContainText(/first/);
  // What was asked is still in the form, and the address leads back to the same page.
  await expect(page.getByLabel('Tools', { exact: true })).toBeChecked();
  await page.reload();
  await expect(page.getByLabel(/^Price at most/)).toHaveValue('20');
});

test('a wish nothing meets says what to give up', async ({ page, visit }) => {
  await visit('/recommend?min_context=999999999999');
  await expect(page.locator('.empty')).toContainText('No model is all of that');
});

test('the drawing of prices has a table that says the same', async ({ page, visit }) => {
  await visit('/plot');
  const dots = await page.locator('.plot circle').count();
  expect(dots).toBeGreaterThan(5);
  expect(await page.getByRole('table').getByRole('rowheader').count()).toBe(dots);
  await page.getByRole('link', { name: 'GPQA, %' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Price against GPQA' })).toBeVisible();
});

test('a model page leads to similar ones', async ({ page, visit }) => {
  await visit('/models/openai/gpt-5-mini');
  await expect(page.getByRole('region', { name: 'Price history here' }).getByText('in force').first()).toBeVisible();
  await page.getByRole('region', { name: 'Similar models' }).getByRole('link', { name: 'Compare them' }).click();
  await expect(page.getByRole('columnheader', { name: /GPT-5 Mini/ })).toBeVisible();
});

for (const path of [TWO, '/compare', '/recommend', '/plot', '/pricing', '/models/openai/gpt-5-mini']) {
  for (const width of [390, 320]) {
    test(`${path} fits a screen ${width} wide`, async ({ page, visit }) => {
      await page.setViewportSize({ width, height: 800 });
      await visit(path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      expect(overflow).toBe(0);
    });
  }
}
