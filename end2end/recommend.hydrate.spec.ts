// Recommendations where scripts run: what is chosen counts at once, and the address says it.

import { expect, test } from './support/journey.ts';

test('a slider that is moved changes the order at once, and the way back leads through what was chosen', async ({ page, visit }) => {
  await visit('/recommend?task=coding');
  const price = page.getByRole('slider', { name: 'Price' });
  const first = page.locator('.pick').first();
  const before = await first.locator('.pick-score').innerText();
  await price.focus();
  await price.press('End');
  await expect(page).toHaveURL(/price=10/);
  await expect(page.locator('.weight', { has: price }).locator('output')).toHaveText('10');
  await expect(first.locator('.pick-score')).not.toHaveText(before);
  // The form is not drawn anew under the hands of whoever uses it.
  await expect(price).toBeFocused();
  await price.press('ArrowLeft');
  await expect(page).toHaveURL(/price=9/);
  await page.goBack();
  await expect(page).toHaveURL(/price=10/);
  await expect(price).toHaveValue('10');
  await page.goBack();
  await expect(page).not.toHaveURL(/price=/);
  await expect(first.locator('.pick-score')).toHaveText(before);
  await page.goForward();
  await expect(price).toHaveValue('10');
});

test('another task brings its own weights, and what is typed stays while results change', async ({ page, visit }) => {
  await visit('/recommend?task=chat');
  await page.getByLabel('Tools', { exact: true }).check();
  await page.getByLabel(/^Price at most/).fill('20');
  await expect(page).toHaveURL(/needs=tools/);
  await expect(page.getByLabel(/^Price at most/)).toHaveValue('20');
  await page.getByLabel('What it is for').selectOption('reasoning');
  await expect(page.getByRole('heading', { level: 2, name: /^Think hard/ })).toBeVisible();
  await expect(page.getByRole('slider', { name: 'Quality' })).toHaveValue('10');
  await expect(page).toHaveURL(/max_price=20/);
});
