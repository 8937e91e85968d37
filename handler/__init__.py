"""Serving: what multi-model-server loads, and everything between a request and its answer."""
