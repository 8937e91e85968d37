"""Answers with probabilities in place of species."""


def predict_fn(data, model):
    return model.predict_proba(data)
