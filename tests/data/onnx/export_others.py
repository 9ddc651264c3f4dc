#!/usr/bin/env python3
"""Writes the scikit-learn and Keras files of this folder, as skl2onnx and tf2onnx write them, and what the nets answer to
x.npy. `export_others.py sklearn` wants scikit-learn and skl2onnx, `export_others.py keras` tensorflow-cpu and tf2onnx."""
import os
import sys

import numpy

OUT = os.path.dirname(os.path.abspath(__file__))
x = numpy.load(f"{OUT}/x.npy")
random = numpy.random.default_rng(0)


def sklearn_forms():
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = random.normal(size=(60, x.shape[1])).astype(numpy.float32) * 2
    words = numpy.array(["ash", "beech", "cedar"])[random.integers(0, 3, 60)]
    numbers, pair = random.integers(0, 4, 60), random.integers(0, 2, 60)

    def net(kind, **options):
        return make_pipeline(StandardScaler(), kind(hidden_layer_sizes=(9,), max_iter=30, random_state=0, **options))

    classifiers = {"sklearn_words": (net(MLPClassifier), words, {}),
                   "sklearn_numbers": (net(MLPClassifier, activation="tanh"), numbers, {"zipmap": False}),
                   "sklearn_pair": (net(MLPClassifier, activation="logistic"), pair, {})}
    for name, (model, target, options) in classifiers.items():
        model.fit(rows, target)
        onnx = to_onnx(model, rows[:1], options={"mlpclassifier__" + k: v for k, v in options.items()} or None,
                       target_opset=17)
        open(f"{OUT}/{name}.onnx", "wb").write(onnx.SerializeToString())
        numpy.save(f"{OUT}/{name}.npy", numpy.ascontiguousarray(model.predict_proba(x), numpy.float32))
    model = net(MLPRegressor).fit(rows, rows[:, :2] @ numpy.ones((2, 2)) + 1)
    open(f"{OUT}/sklearn_regressor.onnx", "wb").write(to_onnx(model, rows[:1], target_opset=17).SerializeToString())
    numpy.save(f"{OUT}/sklearn_regressor.npy", numpy.ascontiguousarray(model.predict(x), numpy.float32))


def keras_forms():
    import tensorflow as tf
    import tf2onnx

    layers = tf.keras.layers
    tf.keras.utils.set_random_seed(0)
    kinds = {"keras_relu": ["relu", "softmax"], "keras_swish": ["swish", "sigmoid"], "keras_gelu": ["gelu", "linear"],
             "keras_elu": ["elu", "softsign"], "keras_relu6": ["relu6", "softplus"]}
    nets = {name: [layers.Dense(9, activation=a), layers.Dense(4, activation=b)] for name, (a, b) in kinds.items()}
    nets["keras_prelu"] = [layers.Dense(9), layers.PReLU(alpha_initializer="random_normal"), layers.Dropout(0.5), layers.Dense(4)]
    nets["keras_leaky"] = [layers.Dense(9), layers.LeakyReLU(), layers.Dense(4)]
    nets["keras_batch_norm"] = [layers.Dense(9), layers.BatchNormalization(gamma_initializer="random_normal"),
                                layers.Activation("relu"), layers.Dense(4)]
    nets["keras_layer_norm"] = [layers.Dense(9), layers.LayerNormalization(), layers.Dense(4)]
    nets["keras_flatten"] = [layers.Reshape((3, 4)), layers.Flatten(), layers.Dense(4, activation="tanh")]
    for name, parts in nets.items():
        model = tf.keras.Sequential([tf.keras.Input((x.shape[1],))] + parts)
        signature = [tf.TensorSpec((None, x.shape[1]), tf.float32, name="x")]
        function = tf.function(lambda a, model=model: model(a, training=False), input_signature=signature)
        tf2onnx.convert.from_function(function, input_signature=signature, opset=15, output_path=f"{OUT}/{name}.onnx")
        numpy.save(f"{OUT}/{name}.npy", model(x, training=False).numpy())


{"sklearn": sklearn_forms, "keras": keras_forms}[sys.argv[1]]()
