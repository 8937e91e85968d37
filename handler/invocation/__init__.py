"""One request: decode, predict, encode, through the user's functions or ours.

pipeline.py          the way of a request, and where its errors become responses
batching.py          invocations that are answered by one prediction
request_response.py  what a transport hands in and gets back
user_functions.py    the functions of the sagemaker-inference contract
model_loading.py     a model, through the functions around loading
model_artifact.py    the joblib or pickle file in a model directory
default_prediction.py  what a model without a predict_fn is asked for
model_input.py       decoded data as the model takes it, or the place of what it does not take
fast/                predictions without the library's questions
blame.py             whose fault an exception is
context.py           the context that user functions are given
safe_toolkit.py      the sagemaker-inference toolkit, without unpickling
"""
