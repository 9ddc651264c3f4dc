"""LitServe + ONNX Runtime. usage: litserve_ort.py PORT"""
import sys

import litserve
import ort


class Api(litserve.LitAPI):
    def setup(self, device):
        self.session = ort.Session()

    def decode_request(self, request):
        return request["inputs"]

    def predict(self, rows):
        return self.session.answer(rows)

    def encode_response(self, answer):
        return {**answer, "outputs": answer["outputs"].tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=2)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=2, log_level="error", generate_client_file=False)
