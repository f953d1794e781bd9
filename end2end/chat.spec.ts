// A chat that needs no scripts: a form is posted, the whole answer comes back.

import { available, receipt, TEN_DOLLARS, topUp } from './support/api.ts';
import { expect, receiptLink, say, test } from './support/journey.ts';

test('a message is answered and charged for', async ({ page, visit, buyer }) => {
  await topUp(page.request, buyer);
  await visit('/chat');
  await say(page, 'Name three harbours.');
  await expect(receiptLink(page)).toBeVisible({ timeout: 40_000 });
  await expect(page).toHaveURL(/\/chat\/[0-9a-f-]{36}/);
  await expect(page.getByRole('main')).toContainText('Name three harbours.');

  const id = (await receiptLink(page).getAttribute('href'))?.split('/').at(-1) ?? '';
  const { charge_nanos } = await receipt(page.request, buyer, id);
  expect(BigInt(charge_nanos)).toBeGreaterThan(0n);
  expect(await available(page.request, buyer)).toBe(TEN_DOLLARS - BigInt(charge_nanos));
});
