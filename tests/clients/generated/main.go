// A client that openapi-generator made of /openapi.json, compiled and called. Arguments: URL, a file of a digit, its outputs' numbers.
package main

import (
	"client/relud"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
)

func check(is bool, what string, found interface{}) {
	if !is {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, found)
		os.Exit(1)
	}
}

func load(path string, to interface{}) {
	text, err := os.ReadFile(path)
	check(err == nil, path, err)
	check(json.Unmarshal(text, to) == nil, path, "is not what it should be")
}

func main() {
	var digit, wanted []float32
	load(os.Args[2], &digit)
	load(os.Args[3], &wanted)
	config := relud.NewConfiguration()
	config.Servers = relud.ServerConfigurations{{URL: os.Args[1]}}
	client, ctx := relud.NewAPIClient(config), context.Background()

	ready, _, err := client.ServiceAPI.Readyz(ctx).Execute()
	check(err == nil && ready.Status == "ready", "readyz", err)

	units, _, err := client.V2API.V2Activations(ctx, "digits").Execute() // null before the first row
	check(err == nil && len(units.Layers) > 0, "activations", err)

	rows := *relud.NewPredictRequest([][]float32{digit})
	rows.SetTopK(3)
	answer, _, err := client.PredictAPI.Predict(ctx).PredictRequest(rows).Execute()
	check(err == nil && reflect.DeepEqual(answer.Outputs[0], wanted), "predict", err)
	best := answer.Predictions[0]
	check(len(best) == 3 && best[0].GetLabel() == "7" && best[0].Probability > 0.9, "predictions", best)

	v1 := *relud.NewV1Request()
	v1.SetInstances([][]float32{digit})
	predictions, _, err := client.V1API.V1Predict(ctx, "digits").V1Request(v1).Execute()
	check(err == nil && reflect.DeepEqual(predictions.Predictions[0], wanted), "V1", err)

	examples := *relud.NewV1Examples([][]float32{digit})
	classes, _, err := client.V1API.V1Classify(ctx, "digits").V1Examples(examples).Execute()
	check(err == nil && classes.Results[0][7][0] == "7", "classify", err)

	data := make([]interface{}, len(digit))
	for i, value := range digit {
		data[i] = value
	}
	input := *relud.NewV2InputTensor("pixels", "FP32", []int64{1, 784})
	input.SetData(data)
	tensors, _, err := client.V2API.V2Infer(ctx, "digits").V2Request(*relud.NewV2Request([]relud.V2InputTensor{input})).Execute()
	check(err == nil && len(tensors.Outputs) == 2 && float32(tensors.Outputs[0].Data[7].(float64)) == wanted[7], "V2", err)

	stats, _, err := client.V2API.V2Stats(ctx, "digits").Execute()
	check(err == nil && stats.ModelStats[0].InferenceCount > 0, "statistics", err)

	frame := *relud.NewInvocation()
	frame.SetInputs([][]float32{digit})
	invoked, _, err := client.PredictAPI.Invocations(ctx).Invocation(frame).Execute()
	check(err == nil && reflect.DeepEqual(invoked.Predictions[0], wanted), "invocations", err)

	numbers := *relud.NewReluRequest([][]float32{{-2, 3}})
	numbers.SetActivation("leaky_relu")
	numbers.SetNegativeSlope(0.5)
	relu, _, err := client.PredictAPI.Relu(ctx).ReluRequest(numbers).Execute()
	check(err == nil && fmt.Sprint(relu.Output) == "[[-1 3]]", "relu", err)

	_, answered, err := client.PredictAPI.Predict(ctx).PredictRequest(*relud.NewPredictRequest([][]float32{{1}})).Execute()
	check(err != nil && answered.StatusCode == 400, "a wrong row", err)
	failure, is := err.(*relud.GenericOpenAPIError).Model().(relud.Error)
	check(is && failure.Error == "inputs[0] has 1 numbers; model 'digits' wants 784", "its error", failure)
}
