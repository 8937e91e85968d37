"""One request: decode, predict, encode, through the user's functions or ours.

pipeline.py                the way of a request, and where its errors become responses
batching.py                invocations that are answered by one prediction
request_types.py           what a transport hands in and gets back
user_functions.py          the functions of the sagemaker-inference contract
model_loading.py           a model, through the functions around loading
model_artifact.py          the joblib or pickle file in a model directory
model_input.py             decoded data as the model takes it, or what is wrong with it
default_prediction.py      what a model is asked for where there is no predict_fn
fast/                      predictions without the library's questions
blame.py                   whose fault an exception is
context.py                 the context that user functions are given
toolkit_without_pickle.py  the sagemaker-inference toolkit, made safe
"""
