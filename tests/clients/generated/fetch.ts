// A client that openapi-generator's typescript-fetch made of /openapi.json. Arguments: URL, a file of a digit, its outputs' numbers.
import { readFileSync } from "node:fs";
import { Configuration, PredictApi, ResponseError, ServiceApi, V1Api, V2Api } from "./fetch/index.js";

function check(is: boolean, what: string, found: unknown) {
    if (!is) throw new Error(`${what}: ${JSON.stringify(found)}`);
}
const [url, digitFile, wantedFile] = process.argv.slice(2) as [string, string, string];
const digit: number[] = JSON.parse(readFileSync(digitFile, "utf8"));
const wanted: number[] = JSON.parse(readFileSync(wantedFile, "utf8"));
const same = (row: number[] | undefined) => row !== undefined && row.every((value, i) => Math.fround(value) === Math.fround(wanted[i]!));
const config = new Configuration({ basePath: url });
const predict = new PredictApi(config);
const v1 = new V1Api(config);

const ready = await new ServiceApi(config).readyz();
check(ready.status === "ready", "readyz", ready);
const answer = await predict.predict({ predictRequest: { inputs: [digit], topK: 3 } });
check(same(answer.outputs[0]), "predict", answer);
check(answer.predictions?.[0]?.[0]?.label === "7", "predictions", answer);
const rows = await v1.v1Predict({ model: "digits", v1Request: { instances: [digit] } });
check(same(rows.predictions?.[0]), "V1", rows);
const tensor = { name: "pixels" as const, datatype: "FP32" as const, shape: [1, 784], data: digit };
const tensors = await new V2Api(config).v2Infer({ model: "digits", v2Request: { inputs: [tensor] } });
check(same(tensors.outputs[0]?.data as number[]), "V2", tensors);
const invoked = await predict.invocations({ invocation: { inputs: [digit] } });
check(same(invoked.predictions[0]), "invocations", invoked);
const relu = await predict.relu({ reluRequest: { input: [[-2, 3]], activation: "leaky_relu", negativeSlope: 0.5 } });
check(JSON.stringify(relu.output) === "[[-1,3]]", "relu", relu);
try {
    await predict.predict({ predictRequest: { inputs: [[1]] } });
    check(false, "a wrong row", "is taken");
} catch (failure) {
    check(failure instanceof ResponseError && failure.response.status === 400, "a wrong row", String(failure));
}
