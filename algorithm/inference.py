"""How the model answers requests. Nothing has to be written here.

As it stands, the endpoint loads model.joblib, reads the request (CSV, JSON and more), calls
the model's predict and answers in the type that the client accepts. To change one of these
steps, define the function of that name. Each may take one more argument at the end,
`context`: the request as the model server sees it.

The model:

    def model_fn(model_dir):
        return joblib.load(f"{model_dir}/model.joblib")

    def pre_model_fn(model_dir):                # before model_fn, for example to fetch a file
        ...

    def model_warmup_fn(model_dir, model):      # after model_fn, so that no client waits for it
        model.predict(pd.read_csv(f"{model_dir}/warmup.csv"))

A request, step by step:

    def input_fn(body, content_type):           # the request's bytes -> data
        return pd.read_json(io.BytesIO(body), lines=True)

    def predict_fn(data, model):                # data -> prediction
        return model.predict(data)              # for probabilities: SAGEMAKER_INFERENCE_OUTPUT

    def output_fn(prediction, accept):          # prediction -> the answer, and its type
        return json.dumps({"scores": prediction.tolist()}), "application/json"

Or in one go, in place of the last three:

    def transform_fn(model, body, content_type, accept):
        data = json.loads(body)
        return json.dumps(model.predict([data["row"]]).tolist()), "application/json"
"""
