//! The net of BENCH_MODEL, a model directory of relud, served by Furnace: furnace-peer PORT.
use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData, activation::relu};
use furnace::{BackendKind, Model, Server};
use serde_json::Value;
use std::{env, fs, path::PathBuf};

/// The tensors of model.safetensors, by name.
struct Tensors {
    head: Value,
    data: Vec<u8>,
}

impl Tensors {
    fn read(folder: &PathBuf) -> Self {
        let raw = fs::read(folder.join("model.safetensors")).unwrap();
        let len = u64::from_le_bytes(raw[..8].try_into().unwrap()) as usize;
        Self { head: serde_json::from_slice(&raw[8..8 + len]).unwrap(), data: raw[8 + len..].to_vec() }
    }

    fn get(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let entry = &self.head[name];
        let numbers = |value: &Value| -> Vec<usize> { value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect() };
        let at = numbers(&entry["data_offsets"]);
        let values = self.data[at[0]..at[1]].chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        (numbers(&entry["shape"]), values)
    }
}

#[derive(Module, Debug)]
struct Net {
    layers: Vec<Linear>,
    scale: f32,
}

impl Net {
    fn new(json: &Value, tensors: &Tensors, device: &Device) -> Self {
        let layers = json["layers"].as_array().unwrap().iter().map(|layer| {
            let (shape, weight) = tensors.get(layer["weight"].as_str().unwrap());
            let (_, bias) = tensors.get(layer["bias"].as_str().unwrap());
            let mut linear = LinearConfig::new(shape[1], shape[0]).init(device);
            let weight = Tensor::<2>::from_data(TensorData::new(weight, [shape[0], shape[1]]), device).transpose();
            linear.weight = Param::from_tensor(weight);
            linear.bias = Some(Param::from_tensor(Tensor::<1>::from_data(TensorData::new(bias, [shape[0]]), device)));
            linear
        });
        Self { layers: layers.collect(), scale: json["input"]["scale"].as_f64().unwrap_or(1.0) as f32 }
    }

    fn forward(&self, rows: Tensor<2>) -> Tensor<2> {
        let mut x = rows * self.scale;
        for (i, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x);
            if i + 1 < self.layers.len() {
                x = relu(x);
            }
        }
        x
    }
}

#[tokio::main]
async fn main() -> furnace::Result<()> {
    let folder = PathBuf::from(env::var("BENCH_MODEL").unwrap());
    let json: Value = serde_json::from_slice(&fs::read(folder.join("model.json")).unwrap()).unwrap();
    let tensors = Tensors::read(&folder);
    let net = Net::new(&json, &tensors, &BackendKind::Cpu.device());
    let features = json["input"]["features"].as_u64().unwrap() as usize;
    let last = json["layers"].as_array().unwrap().last().unwrap()["weight"].as_str().unwrap();
    let outputs = tensors.get(last).0[0];
    let batch = env::var("BENCH_BATCH").map_or(1, |text| text.parse().unwrap());
    let model = Model::from_fn("x", BackendKind::Cpu, &[features], &[outputs], move |rows: Tensor<2>| net.forward(rows))?;
    let port = env::args().nth(1).unwrap().parse().unwrap();
    Server::new().host("127.0.0.1").port(port).max_batch_size(batch).model(model).serve().await
}
