"""The exit codes of ``serve``.

0  stopped by a signal
1  any other error of this project's own
2  a setting can't be used as given
3  Java or multi-model-server is missing, or boto3 where it is needed
4  the single model or the submitted code can't be served; the last line says why
5  the frontend, or the fork server, ended by itself
"""

from __future__ import annotations

from contract.errors import ByoError, SettingsError, UserCodeError
from handler.serve.fork_server_process import ForkServerDied
from handler.serve.frontend_process import FrontendDied
from handler.serve.java_runtime import MissingPrerequisite
from handler.serve.model_load_watch import ModelUnavailable

EXIT_CODES: dict[type[ByoError], int] = {
    SettingsError: 2,
    MissingPrerequisite: 3,
    ModelUnavailable: 4,
    UserCodeError: 4,
    FrontendDied: 5,
    ForkServerDied: 5,
}
