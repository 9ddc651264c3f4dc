"""FastAPI + ONNX Runtime, as lean as it can be: the body's bytes by orjson, one array, one call, bytes back."""
import ort
import orjson
from fastapi import FastAPI, Request, Response

app = FastAPI()
session = ort.Session()


@app.post("/predict")
async def predict(request: Request):
    answer = session.answer(orjson.loads(await request.body())["inputs"])
    return Response(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")
