"""Training: what sagemaker-training calls, and the user's process that it runs."""
