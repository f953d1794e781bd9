// The live chat: the price before, the meter during, the receipt after.

import type { Page } from '@playwright/test';
import { PASSWORD, TEN_DOLLARS, available, balanceText, login, newEmail, receipt } from './support/api.ts';
import { awake, balanceFigure, expect, mainButton, password, receiptLink, test } from './support/journey.ts';

/** Remembers every state the meter passes through from now on, however briefly. */
async function watchMeter(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const seen: string[] = [];
    const look = () => {
      const state = document.querySelector('.meter')?.getAttribute('data-state');
      if (state && seen.at(-1) !== state) {
        seen.push(state);
      }
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    Object.assign(window, { meterStates: seen });
  });
  return () => page.evaluate(() => (window as unknown as { meterStates: string[] }).meterStates);
}

test('a buyer sees the cost before, during and after an answer', async ({ page, visit, request }) => {
  const email = newEmail();
  await visit('/sign-up?next=/billing');
  await page.getByLabel('E-mail').fill(email);
  await password(page).fill(PASSWORD);
  const registered = page.waitForURL(/\/billing$/);
  await mainButton(page, 'Create account').click();
  await registered;
  await mainButton(page, '$10').click();
  await page.waitForURL(/\/pay\//);
  await mainButton(page, 'Pay').click();
  await page.waitForURL(/\/billing/);
  await expect(async () => {
    await visit('/billing');
    await expect(balanceFigure(page)).toHaveText('$10.0000', { timeout: 1_000 });
  }).toPass({ timeout: 15_000 });

  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Chat' }).click();
  await page.waitForURL(/\/chat/);
  await awake(page);
  const message = page.getByLabel('Message', { exact: true });
  await message.fill('Why do the entries of a ledger sum to zero?');
  const send = mainButton(page, /^Send/);
  await expect(send).toHaveText(/Send · ≤ \$\d/);
  const meterStates = await watchMeter(page);
  await send.click();

  const meter = page.locator('.meter');
  await expect(meter).toHaveAttribute('data-state', 'settled', { timeout: 40_000 });
  await expect(meter).toContainText('Settled');
  const states = await meterStates();
  expect(states.some((state) => state === 'held' || state === 'streaming'), states.join(', ')).toBe(true);
  const link = receiptLink(page);
  await expect(link).toBeVisible();
  await expect(page.getByRole('main').locator('.markdown').last()).toHaveText(/\S/);
  await expect(message).toHaveValue('');

  const id = (await link.getAttribute('href'))?.split('/').at(-1) ?? '';
  const buyer = await login(request, email, PASSWORD);
  const paper = await receipt(request, buyer, id);
  const charge = BigInt(paper.charge_nanos);
  expect(charge).toBeGreaterThan(0n);
  expect(BigInt(paper.provider_cost_nanos) + BigInt(paper.commission_nanos)).toBe(charge);
  expect(await available(request, buyer)).toBe(TEN_DOLLARS - charge);
  await expect(page.locator('.pill.balance')).toContainText(balanceText(TEN_DOLLARS - charge));

  await link.click();
  await page.waitForURL(/\/receipts\//);
  await expect(page.getByText('cost + commission = charge ✓')).toBeVisible();
  const asJson = await page.getByRole('link', { name: 'As JSON' }).getAttribute('href');
  expect((await page.request.get(asJson ?? '')).status()).toBe(200);
});

test('Enter sends and Shift+Enter breaks the line', async ({ page, visit, buyer: _ }) => {
  await visit('/chat');
  const message = page.getByLabel('Message', { exact: true });
  await message.fill('One');
  await message.press('Shift+Enter');
  await message.pressSequentially('Two');
  await expect(message).toHaveValue('One\nTwo');
});
