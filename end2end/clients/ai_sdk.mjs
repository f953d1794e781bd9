// The Vercel AI SDK as a client, with a provider of models that is given to it.

import { embedMany, generateImage, generateText, jsonSchema, Output, RetryError, streamText, tool } from 'ai';

import { answer } from './answering.mjs';

const asked = (provider, question) => ({
  model: provider.open(question)(question.model),
  messages: worded(question.messages),
  maxOutputTokens: question.tokensMax,
  maxRetries: question.retries,
});

/** Messages in the SDK's own words. */
function worded(messages) {
  const names = new Map();
  return messages.map(({ role, content, tool_calls: calls, tool_call_id: toolCallId }) => {
    for (const call of calls ?? []) names.set(call.id, call.function.name);
    if (role === 'tool') {
      const output = { type: 'text', value: content };
      return { role, content: [{ type: 'tool-result', toolCallId, toolName: names.get(toolCallId), output }] };
    }
    if (calls) return { role, content: [...texts(content), ...calls.map(called)] };
    return { role, content: Array.isArray(content) ? content.map(shown) : content };
  });
}

const texts = (text) => (text ? [{ type: 'text', text }] : []);
const shown = (part) => (part.type === 'image_url' ? { type: 'image', image: part.image_url.url } : part);
const called = ({ id, function: { name, arguments: text } }) => ({
  type: 'tool-call',
  toolCallId: id,
  toolName: name,
  input: JSON.parse(text),
});

const counted = (usage) =>
  usage?.inputTokens == null ? null : { input: usage.inputTokens, output: usage.outputTokens };

// The SDK writes some words of its own.
const finish = (reason) => (reason === 'tool-calls' ? 'tool_calls' : reason);

/** `open` makes the provider for a base address and a key; `lacks` names what it cannot be asked for. */
export function answerWith(provider) {
  const client = {
    name: provider.name,
    lacks: provider.lacks,

    async ask(question, heard) {
      const whole = await generateText(asked(provider, question));
      heard.id = whole.response.id;
      heard.finish = finish(whole.finishReason);
      heard.usage = counted(whole.usage);
      heard.add(whole.text);
    },

    async stream(question, heard) {
      const tools = question.tools.map(({ name, description, parameters }) => [
        name,
        tool({ description, inputSchema: jsonSchema(parameters) }),
      ]);
      const leaving = new AbortController();
      const stream = streamText({
        ...asked(provider, question),
        ...(tools.length ? { tools: Object.fromEntries(tools) } : {}),
        abortSignal: leaving.signal,
        // Else it is also printed.
        onError: () => {},
        includeRawChunks: true,
      });
      for await (const event of stream.fullStream) {
        if (event.type === 'raw') heard.id ??= event.rawValue.id;
        if (event.type === 'text-delta') heard.add(event.text);
        if (event.type === 'tool-call')
          heard.calls.push({ id: event.toolCallId, name: event.toolName, arguments: event.input });
        if (event.type === 'finish') {
          heard.finish = finish(event.finishReason);
          heard.usage = counted(event.totalUsage);
        }
        if (event.type === 'error') throw event.error;
        if (heard.isEnough(question.piecesMax)) return leaving.abort();
      }
    },

    async shaped(question) {
      const output = Output.object({ schema: jsonSchema(question.schema) });
      return (await generateText({ ...asked(provider, question), output })).output;
    },

    async vectors(question) {
      // The older of its two names, which all providers know.
      const model = provider.open(question).textEmbeddingModel(question.model);
      return (await embedMany({ model, values: question.texts, maxRetries: question.retries })).embeddings;
    },

    async picture(question) {
      const model = provider.open(question).imageModel(question.model);
      const made = await generateImage({ model, prompt: question.prompt, maxRetries: question.retries });
      return made.image.base64;
    },
  };
  return answer(client, (error) => (RetryError.isInstance(error) ? error.lastError : error)?.statusCode);
}
