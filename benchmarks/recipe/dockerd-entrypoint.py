"""Start the model server, or whatever else the container is told to run."""

import os
import subprocess
import sys

if sys.argv[1:] == ["serve"]:
    from sagemaker_inference import model_server

    model_server.start_model_server(handler_service="model_handler:handle")
    subprocess.run(["tail", "-f", "/dev/null"], check=False)
else:
    os.execvp(sys.argv[1], sys.argv[1:])
