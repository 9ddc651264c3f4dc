// A client that openapi-generator made of /openapi.json, compiled and called. Arguments: URL, a file of a digit, its outputs' numbers.
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.PredictApi;
import org.openapitools.client.api.ServiceApi;
import org.openapitools.client.api.V1Api;
import org.openapitools.client.api.V2Api;
import org.openapitools.client.model.*;

public class Main {
    static void check(boolean is, String what, Object found) {
        if (!is)
            throw new IllegalStateException(what + ": " + found);
    }

    static List<Float> load(String path) throws Exception {
        return Arrays.asList(new ObjectMapper().readValue(new File(path), Float[].class));
    }

    public static void main(String[] args) throws Exception {
        List<Float> digit = load(args[1]), wanted = load(args[2]);
        ApiClient client = new ApiClient();
        client.updateBaseUri(args[0]);
        PredictApi predict = new PredictApi(client);
        V1Api v1 = new V1Api(client);
        V2Api v2 = new V2Api(client);
        check(new ServiceApi(client).readyz().getStatus().equals("ready"), "readyz", "");

        check(v2.v2Activations("digits").getLayers().size() > 0, "activations", "null before the first row");

        PredictAnswer answer = predict.predict(new PredictRequest().addInputsItem(digit).topK(3));
        check(answer.getOutputs().get(0).equals(wanted), "predict", answer);
        Prediction best = answer.getPredictions().get(0).get(0);
        check(best.getLabel().equals("7") && best.getProbability() > 0.9, "predictions", best);

        V1Answer rows = v1.v1Predict("digits", new V1Request().addInstancesItem(digit));
        check(rows.getPredictions().get(0).equals(wanted), "V1", rows);
        V1Classification classes = v1.v1Classify("digits", new V1Examples().addExamplesItem(digit));
        check(classes.getResults().get(0).get(7).get(0).equals("7"), "classify", classes);

        V2InputTensor input = new V2InputTensor().name(V2InputTensor.NameEnum.PIXELS).datatype(V2InputTensor.DatatypeEnum.FP32);
        input.shape(List.of(1L, 784L)).data(new ArrayList<Object>(digit));
        V2Answer tensors = v2.v2Infer("digits", new V2Request().addInputsItem(input));
        Object seventh = tensors.getOutputs().get(0).getData().get(7);
        check(((Number) seventh).floatValue() == wanted.get(7), "V2", tensors);
        check(v2.v2Stats("digits").getModelStats().get(0).getInferenceCount() > 0, "statistics", "");

        InvocationAnswer invoked = predict.invocations(new Invocation().addInputsItem(digit));
        check(invoked.getPredictions().get(0).equals(wanted), "invocations", invoked);

        ReluRequest numbers = new ReluRequest().input(List.of(List.of(-2, 3))).negativeSlope(0.5f);
        ReluAnswer relu = predict.relu(numbers.activation(ReluRequest.ActivationEnum.LEAKY_RELU));
        check(relu.getOutput().toString().equals("[[-1, 3]]"), "relu", relu);

        try {
            predict.predict(new PredictRequest().addInputsItem(List.of(1f)));
            check(false, "a wrong row", "is taken");
        } catch (ApiException failure) {
            check(failure.getCode() == 400 && failure.getResponseBody().contains("inputs[0] has 1 numbers"), "its error", failure);
        }
    }
}
