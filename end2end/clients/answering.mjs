// What a client in Node needs to be led by through_node.py: it reads a question a line and answers each with a line.

import { createInterface } from 'node:readline';

/** What a client has heard of one answer, also of one that broke off. */
export class Heard {
  id = null;
  pieces = [];
  finish = null;
  usage = null;
  calls = [];

  add(piece) {
    if (piece) this.pieces.push(piece);
  }

  isEnough(piecesMax) {
    return piecesMax != null && this.pieces.length >= piecesMax;
  }
}

/** Answers with the methods of a client, which take the question and what is heard. */
export async function answer(client, statusOf) {
  const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);
  // What a client prints by itself must not stand between the answers.
  console.log = console.info = console.error;
  say({ name: client.name, lacks: client.lacks });
  for await (const line of createInterface({ input: process.stdin })) {
    const question = JSON.parse(line);
    const heard = new Heard();
    try {
      const value = await client[question.verb](question, heard);
      say({ value, heard });
    } catch (error) {
      say({ error: { status: statusOf(error), message: `${error?.message ?? error}` }, heard });
    }
  }
}
