"""One request: decode, predict, encode, through the user's functions or ours.

pipeline.py                the way of a request, and where its errors become responses
pipeline_loading.py        a model directory becomes a pipeline
invocation_progress.py     one request on its way, and how far it has come
batching.py                invocations that are answered by one prediction
request_types.py           what a transport hands in and gets back
what_user_functions_see.py a request as user functions are handed it
user_functions.py          the functions of the sagemaker-inference contract
users_answer.py            what output_fn or transform_fn returned, taken apart
execution_parameters.py    what a user's function says of batch transform
archive_handler.py         a handler of multi-model-server's kind, in an archive or inference.py
misnamed_functions.py      functions that nothing calls, though they may be meant to be
model_identity.py          what a model is called in answers that name it
model_loading.py           a model, through the functions around loading
model_artifact.py          the joblib or pickle file in a model directory
artifacts_beside.py        what lies beside it and must not be left out, as a scaler
main_module.py             the __main__ in which pickles look for what a script defined
script_text.py             what users' files define, and whether to import one would train
library_configuration.py   scikit-learn's configuration that a model was fitted under
model_input.py             decoded data as the model takes it, or what is wrong with it
default_prediction.py      what a model is asked for where there is no predict_fn
native_boosters.py         … where it is a bare booster
class_output.py            its answer where probabilities are asked for
asked_output.py            what is asked for, and whether the model has it
fast/                      predictions without the library's questions
failure_log.py             what the log says of an invocation that failed
payload_mask.py            … without what was sent
blame.py                   whose fault an exception is
names_at_fault.py          whether it is that names are missing, or in the way
context.py                 the context that user functions are given
toolkit_without_pickle.py  the sagemaker-inference toolkit, made safe
"""
