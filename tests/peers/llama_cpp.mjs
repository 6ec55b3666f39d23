// llama.cpp at work on one GGUF file, for test_llama_cpp.py: reads a job as JSON from the standard input, writes the result.
//   job: {model, lora (path or null), new_tokens, greedy: [[token, ...], ...], score: [{tokens: [token, ...], from: place}, ...], texts: [text, ...]}
//   result: {greedy: [[token, ...], ...], loglikelihoods: [sum over the tokens from that place on, ...], tokens: [[token, ...], ...]}
import {readFileSync} from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const job = JSON.parse(readFileSync(0, "utf8"));
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: 1});
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

async function answer(tokens) {
  await sequence.clearHistory();
  const answer = [];
  for await (const token of sequence.evaluate(tokens, {temperature: 0, yieldEogToken: true})) {
    answer.push(token);
    if (answer.length >= job.new_tokens || model.isEogToken(token)) break;
  }
  return answer;
}

// The samplers are switched off, so that each place gives the whole distribution.
const whole = {generateNext: {probabilities: true, options: {temperature: 1, topK: 0, topP: 1, minP: 0}}};

async function loglikelihood({tokens, from}) {
  await sequence.clearHistory();
  const places = await sequence.controlledEvaluate(tokens.slice(0, -1).map((token) => [token, whole]));
  return places.slice(from - 1).reduce((sum, place, i) => sum + Math.log(place.next.probabilities.get(tokens[from + i]) ?? 0), 0);
}

const result = {greedy: [], loglikelihoods: [], tokens: []};
for (const tokens of job.greedy ?? []) result.greedy.push(await answer(tokens));
for (const tokens of job.score ?? []) result.loglikelihoods.push(await loglikelihood(tokens));
for (const text of job.texts ?? []) result.tokens.push(model.tokenize(text, false));
process.stdout.write(JSON.stringify(result));
await llama.dispose();
