// llama.cpp at work on GGUF files, for test_llama_cpp.py: reads a list of jobs as JSON from the standard input, writes the list of results.
//   job: {model, lora (path or null), new_tokens, greedy: [[token, ...], ...], score: [{tokens: [token, ...], from: place}, ...], texts: [text, ...]}
//   result: {greedy: [[token, ...], ...], loglikelihoods: [sum over the tokens from that place on, ...], tokens: [[token, ...], ...]}
import {readFileSync} from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: 1});

async function answer(model, sequence, tokens, new_tokens) {
  await sequence.clearHistory();
  const answer = [];
  for await (const token of sequence.evaluate(tokens, {temperature: 0, yieldEogToken: true})) {
    answer.push(token);
    if (answer.length >= new_tokens || model.isEogToken(token)) break;
  }
  return answer;
}

// The samplers are switched off, so that each place gives the whole distribution.
const whole = {generateNext: {probabilities: true, options: {temperature: 1, topK: 0, topP: 1, minP: 0}}};

async function loglikelihood(sequence, {tokens, from}) {
  await sequence.clearHistory();
  const places = await sequence.controlledEvaluate(tokens.slice(0, -1).map((token, i) => i < from - 1 ? token : [token, whole]));
  return places.slice(from - 1).reduce((sum, place, i) => sum + Math.log(place.next.probabilities.get(tokens[from + i]) ?? 0), 0);
}

async function done(job) {
  const model = await llama.loadModel({modelPath: job.model, gpuLayers: 0});
  const context = await model.createContext({
    contextSize: job.context,
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
    lora: job.lora ? {adapters: [{filePath: job.lora}]} : undefined
  });
  const sequence = context.getSequence();
  const result = {greedy: [], loglikelihoods: [], tokens: []};
  for (const tokens of job.greedy ?? []) result.greedy.push(await answer(model, sequence, tokens, job.new_tokens));
  for (const text of job.score ?? []) result.loglikelihoods.push(await loglikelihood(sequence, text));
  for (const text of job.texts ?? []) result.tokens.push(model.tokenize(text, false));
  await model.dispose();
  return result;
}

const results = [];
for (const job of JSON.parse(readFileSync(0, "utf8"))) results.push(await done(job));
process.stdout.write(JSON.stringify(results));
await llama.dispose();
