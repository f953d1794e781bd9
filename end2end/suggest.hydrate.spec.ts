// Suggestions while somebody types: from a file that is there already, by keyboard and by mouse.

import type { Page } from '@playwright/test';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test } from './support/journey.ts';

/** Opens a page and waits for the file that suggestions come from. */
async function ready(page: Page, path: string): Promise<void> {
  const file = page.waitForResponse((answer) => answer.url().endsWith('/models-index.txt'));
  await page.goto(path);
  await page.locator('html[data-hydrated]').waitFor({ state: 'attached' });
  await (await file).finished();
}

const suggestions = (page: Page) => page.getByRole('listbox', { name: 'Models' }).getByRole('option');

test('a slash, a few letters and Enter lead to a model without asking the server for results', async ({ page }) => {
  await ready(page, '/status');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.keyboard.press('/');
  await page.keyboard.type('calude haiku 4.5');
  await expect(suggestions(page).first()).toContainText('Claude Haiku 4.5');
  await expect(suggestions(page).first()).toContainText('$');
  expect(asked).toEqual([]);

  await page.keyboard.press('ArrowDown');
  await expect(page.getByRole('combobox', { name: 'Search models' })).toHaveAttribute('aria-activedescendant', 'suggestion-0');
  await expect(suggestions(page).first()).toHaveAttribute('aria-selected', 'true');
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/models\/anthropic\/claude-haiku-4-5$/);
  await expect(suggestions(page)).toHaveCount(0);
});

test('Escape closes the suggestions, and Enter alone searches', async ({ page }) => {
  await ready(page, '/status');
  const field = page.locator('.site-search input');
  await field.pressSequentially('gtp-5');
  await expect(suggestions(page).first()).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(suggestions(page)).toHaveCount(0);
  await expect(field).toHaveValue('gtp-5');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/models\?q=gtp-5$/);
  await field.fill('mistrl');
  await expect(suggestions(page).first()).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(suggestions(page)).toHaveCount(0);
  await expect(page).toHaveURL(/\/models\?q=mistrl$/);
});

test('on the list itself, letters suggest at once and narrow the list behind', async ({ page }) => {
  await ready(page, '/models');
  const field = page.locator('.words-field input');
  await field.pressSequentially('mistrl');
  await expect(suggestions(page).first()).toContainText('Mistral');
  await expect(page).toHaveURL(/q=mistrl$/);
  await expect(page.getByLabel('Models found').getByRole('heading', { level: 3 }).first()).toContainText(/mistral/i);
  await expect(field).toBeFocused();
  await suggestions(page).first().click();
  await expect(page).toHaveURL(/\/models\/(mistral|ollama)\/mistral/);
});

test('a filter that is chosen by keyboard keeps the focus when the filters are drawn anew', async ({ page, visit }) => {
  await visit('/models');
  const box = page.getByRole('group', { name: 'Kind' }).getByRole('checkbox', { name: /^Images/ });
  await box.focus();
  await page.keyboard.press('Space');
  await expect(page).toHaveURL(/kind=image/);
  await expect(page.getByRole('list', { name: 'Active filters' })).toContainText('Images');
  await expect(box).toBeChecked();
  await expect(box).toBeFocused();
  await page.goBack();
  await expect(page).toHaveURL(/\/models$/);
  await expect(box).not.toBeChecked();
});
