"""Is this machine, and this folder, ready? One finding for each thing that must be there.

remedies.py         a finding with the command that mends it
machine_checks.py   Python, what sagemaker-training is compiled with, Java, ports, memory, disk
docker_checks.py    the docker client, its engine, and what the engine has to give
aws_checks.py       credentials, region, Amazon ECR
folder_checks.py    the algorithm folder's requirements, a trained model and its signature
measure_model.py    what memory a model needs
endpoint_size.py    how many models fit on an instance, and the workers that they get
"""

from byo.doctor.remedies import Remedied

__all__ = ["Remedied"]
