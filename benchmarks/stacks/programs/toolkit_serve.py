"""sagemaker-inference's own `start_model_server`, but for two things.

Its configuration goes to a scratch folder and not to /etc, and it finds its own JVM where others
run on the machine: it would refuse to start beside them.
"""

import os
from pathlib import Path

import psutil
from sagemaker_inference import model_server

CONFIGURATION = str(Path(os.environ["BENCHMARK_SCRATCH"]) / "sagemaker-mms.properties")


def own_frontend() -> psutil.Process:
    """The JVM that was started with this configuration.

    Raises:
        LookupError: it is not there yet; the toolkit then asks again.
    """
    for process in psutil.process_iter():
        try:
            line = process.cmdline()
        except psutil.Error:  # it ended meanwhile
            continue
        if model_server.MMS_NAMESPACE in line and CONFIGURATION in line:
            return process
    raise LookupError("the model server has not started")


if __name__ == "__main__":
    model_server.MMS_CONFIG_FILE = CONFIGURATION
    model_server._retrieve_mms_server_process = own_frontend
    model_server.start_model_server()
