// A chat on free tokens: the page says so before, and nothing is charged after.

import { available, receipt } from './support/api.ts';
import { expect, mainButton, receiptLink, test } from './support/journey.ts';
import { linkFor } from './support/letters.ts';

test('a confirmed buyer without money chats on free tokens', async ({ page, visit, buyer }) => {
  const token = (await linkFor(buyer.email, 'confirm')).split('=').at(-1) ?? '';
  const confirmed = await page.request.post(`/api/v1/auth/verification/${token}`);
  expect(confirmed.status(), await confirmed.text()).toBe(204);

  await visit('/chat');
  await expect(page.locator('.pill.balance')).toContainText('1,000 free');
  await page.getByLabel('Message', { exact: true }).fill('Name three harbours.');
  const send = mainButton(page, /^Send/);
  await expect(send).toHaveText('Send · free');
  const hint = page.locator('#composer-hint');
  await expect(hint).toHaveText(/^Free · up to [\d,]+ tokens, 1,000 left this month\. The answer is shortened/);
  await send.click();
  const meter = page.locator('.meter');
  await expect(meter).toHaveAttribute('data-state', 'settled', { timeout: 40_000 });
  await expect(meter).toContainText(/\d free tokens taken, nothing paid/);

  const id = (await receiptLink(page).getAttribute('href'))?.split('/').at(-1) ?? '';
  const { charge_nanos, free_tokens } = await receipt(page.request, buyer, id);
  expect(charge_nanos).toBe('0');
  expect(free_tokens).toBeGreaterThan(0);
  expect(await available(page.request, buyer)).toBe(0n);
  const left = 1_000 - free_tokens;
  await expect(page.locator('.pill.balance')).toContainText(left > 0 ? `${left} free` : '$0.0000');

  await receiptLink(page).click();
  await page.waitForURL(/\/receipts\//);
  await expect(page.getByText(/free tokens instead of money ✓/)).toBeVisible();
});
