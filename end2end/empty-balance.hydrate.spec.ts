// With nothing on the balance a message is refused before it is sent anywhere, with both figures and the way on.

import { available } from './support/api.ts';
import { complaint, expect, say, test } from './support/journey.ts';

test('an empty balance is told with what is needed and what is there', async ({ page, visit, buyer }) => {
  await visit('/chat');
  await say(page, 'Is anybody there?');
  const notice = complaint(page);
  await expect(notice).toContainText(/needed: \$0\.\d+/i);
  await expect(notice).toContainText(/available: \$0\.0000/i);
  await expect(notice.getByRole('link', { name: 'Top up' })).toHaveAttribute('href', '/billing');
  expect(await available(page.request, buyer)).toBe(0n);
});
