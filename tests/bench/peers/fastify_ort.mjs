// Fastify + onnxruntime-node: two processes on one port. usage: node fastify_ort.mjs PORT MODEL.onnx
import cluster from "node:cluster";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.BENCH_NODE_MODULES, "x"));
const [port, file] = process.argv.slice(2);

if (cluster.isPrimary) {
  for (let i = 0; i < 2; i++) cluster.fork();
} else {
  const Fastify = require("fastify");
  const ort = require("onnxruntime-node");
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const [output] = session.outputNames;
  const app = Fastify({ bodyLimit: 1 << 24 });
  app.post("/predict", async (request) => {
    const rows = request.body.inputs;
    const width = rows[0].length;
    const x = new Float32Array(rows.length * width);
    rows.forEach((row, i) => x.set(row, i * width));
    const y = (await session.run({ x: new ort.Tensor("float32", x, [rows.length, width]) }))[output];
    const outputs = [];
    const predictions = [];
    const classes = y.dims[1];
    for (let i = 0; i < rows.length; i++) {
      const row = Array.from(y.data.subarray(i * classes, (i + 1) * classes));
      const most = Math.max(...row);
      const exp = row.map((v) => Math.exp(v - most));
      const index = row.indexOf(most);
      outputs.push(row);
      predictions.push([{ label: String(index), index, probability: exp[index] / exp.reduce((a, b) => a + b) }]);
    }
    return { outputs, predictions };
  });
  await app.listen({ port: Number(port), host: "127.0.0.1" });
}
