// Types that openapi-typescript made of /openapi.json, for openapi-fetch. Arguments: URL, a file of a digit, its outputs' numbers.
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { paths } from "./paths.js";

function check(is: boolean, what: string, found: unknown) {
    if (!is) throw new Error(`${what}: ${JSON.stringify(found)}`);
}
const [url, digitFile, wantedFile] = process.argv.slice(2) as [string, string, string];
const digit: number[] = JSON.parse(readFileSync(digitFile, "utf8"));
const wanted: number[] = JSON.parse(readFileSync(wantedFile, "utf8"));
const same = (row: number[] | undefined) => row !== undefined && row.every((value, i) => Math.fround(value) === Math.fround(wanted[i]!));
const client = createClient<paths, "application/json">({ baseUrl: url });
const model = { params: { path: { model: "digits" as const } } };

const ready = await client.GET("/readyz");
check(ready.data?.status === "ready", "readyz", ready.error);
const units = await client.GET("/v2/models/{model}/activations", model); // null before the first row
check((units.data?.layers.length ?? 0) > 0, "activations", units.error);
const answer = await client.POST("/predict", { body: { inputs: [digit], top_k: 3 } });
check(same(answer.data?.outputs[0]), "predict", answer.error);
const best: { label?: string; probability: number } | undefined = answer.data?.predictions?.[0]?.[0];
check(best?.label === "7" && best.probability > 0.9, "predictions", best);
const rows = await client.POST("/v1/models/{model}:predict", { ...model, body: { instances: [digit] } });
check(same(rows.data?.predictions?.[0]), "V1", rows.error);
const classes = await client.POST("/v1/models/{model}:classify", { ...model, body: { examples: [digit] } });
check(classes.data?.results[0]?.[7]?.[0] === "7", "classify", classes.error);
const tensor = { name: "pixels" as const, datatype: "FP32" as const, shape: [1, 784], data: digit };
const tensors = await client.POST("/v2/models/{model}/infer", { ...model, body: { inputs: [tensor] } });
check(same(tensors.data?.outputs[0]?.data as number[]), "V2", tensors.error);
const invoked = await client.POST("/invocations", { body: { inputs: [digit] } });
check(same(invoked.data?.predictions[0]), "invocations", invoked.error);
const relu = await client.POST("/relu", { body: { input: [[-2, 3]], activation: "leaky_relu", negative_slope: 0.5 } });
check(JSON.stringify(relu.data?.output) === "[[-1,3]]", "relu", relu.error);
const failure = await client.POST("/predict", { body: { inputs: [[1]] } });
check(failure.response.status === 400 && failure.error?.error === "inputs[0] has 1 numbers; model 'digits' wants 784", "a wrong row", failure);
