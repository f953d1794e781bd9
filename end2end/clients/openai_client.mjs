// The `openai` package for Node against the program: only the base address and the key are ours.
//
// Usage: python through_node.py openai_client.mjs

import OpenAI from 'openai';

import { answer } from './answering.mjs';

const open = ({ base, key, retries }) =>
  new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: retries, timeout: 60_000 });

const asked = ({ model, messages, tokensMax, tools }) => ({
  model,
  messages,
  max_tokens: tokensMax,
  ...(tools?.length ? { tools: tools.map((tool) => ({ type: 'function', function: tool })) } : {}),
});

const counted = (usage) => usage && { input: usage.prompt_tokens, output: usage.completion_tokens };

const client = {
  name: 'openai for Node',
  lacks: [],

  async models(question) {
    const ids = [];
    for await (const model of open(question).models.list()) ids.push(model.id);
    return ids;
  },

  async ask(question, heard) {
    const whole = await open(question).chat.completions.create(asked(question));
    const [choice] = whole.choices;
    heard.id = whole.id;
    heard.finish = choice.finish_reason;
    heard.usage = counted(whole.usage);
    heard.add(choice.message.content);
  },

  // The helper joins the pieces, also those of calls, and refuses what it cannot join.
  async stream(question, heard) {
    const options = question.usage ? { stream_options: { include_usage: true } } : {};
    const stream = open(question).chat.completions.stream({ ...asked(question), ...options });
    for await (const chunk of stream) {
      heard.id = chunk.id;
      heard.usage = counted(chunk.usage) ?? heard.usage;
      heard.add(chunk.choices[0]?.delta.content);
      if (heard.isEnough(question.piecesMax)) return stream.abort();
    }
    const [choice] = (await stream.finalChatCompletion()).choices;
    heard.finish = choice.finish_reason;
    heard.calls = (choice.message.tool_calls ?? []).map(({ id, function: { name, arguments: text } }) => ({
      id,
      name,
      arguments: JSON.parse(text),
    }));
  },

  async shaped(question) {
    const json_schema = { name: 'harbour', strict: true, schema: question.schema };
    const format = { type: 'json_schema', json_schema };
    const parsed = await open(question).chat.completions.parse({ ...asked(question), response_format: format });
    return parsed.choices[0].message.parsed ?? JSON.parse(parsed.choices[0].message.content);
  },

  // The package asks for base64 by itself and decodes it.
  async vectors(question) {
    const made = await open(question).embeddings.create({ model: question.model, input: question.texts });
    return made.data.map((item) => item.embedding);
  },

  async picture(question) {
    const made = await open(question).images.generate({ model: question.model, prompt: question.prompt });
    return made.data[0].b64_json;
  },
};

await answer(client, (error) => error?.status);
