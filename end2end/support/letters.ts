// Letters, as the program writes them into a folder beside its data while nobody has set a mail server.

import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect } from '@playwright/test';

type Page = 'confirm' | 'reset';

/** The path that the newest letter to an address leads to; waits for the letter. */
export async function linkFor(email: string, page: Page): Promise<string> {
  let link: string | undefined;
  await expect(() => {
    link = letters(email)
      .map((text) => new RegExp(`/${page}\\?token=[\\w-]{43}`).exec(text)?.[0])
      .findLast((found) => found !== undefined);
    expect(link, `a letter to ${email} with a link to ${page}`).toBeDefined();
  }).toPass({ timeout: 15_000 });
  return link ?? '';
}

/** All that was written to somebody, the oldest first. */
function letters(email: string): string[] {
  const folder = path.join(process.env.JOURNEY_DATA ?? '', 'mail');
  return files(folder)
    .map((file) => ({ at: statSync(file).mtimeMs, text: decoded(readFileSync(file, 'utf8')) }))
    .filter(({ text }) => text.includes(`\nTo: ${email}\n`))
    .sort((one, other) => one.at - other.at)
    .map(({ text }) => text);
}

function files(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => path.join(folder, name));
  } catch {
    // Nobody was written to yet.
    return [];
  }
}

/** Quoted-printable, where a line was too long to be sent as it is. */
function decoded(text: string): string {
  return text.replaceAll('=\r\n', '').replaceAll('=3D', '=').replaceAll('\r\n', '\n');
}
