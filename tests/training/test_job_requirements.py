"""A job's requirements: there for the script and all that it starts, and nowhere else."""

from __future__ import annotations

import json
from importlib import metadata

import pytest

from tests.packages import OFFLINE, project, wheel
from tests.training.clusters import HOSTS, Cluster

pytestmark = pytest.mark.slow

# What each kind of process finds: itself, a child, a shell's Python, spawned and loky's workers.
SCRIPT = """
import json, multiprocessing, os, subprocess, sys
import numpy, six, tiny
from joblib import Parallel, delayed

def found(_):
    return [__import__("six").VERSION, __import__("tiny").__file__]

if __name__ == "__main__":
    program = "import json, six, tiny; print(json.dumps([six.VERSION, tiny.__file__]))"
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        [spawned] = pool.map(found, [0])
    seen = {
        "script": found(0),
        "child": json.loads(subprocess.check_output([sys.executable, "-c", program])),
        "shell": json.loads(subprocess.check_output(f"python -c '{program}'", shell=True)),
        "spawned": spawned,
        "loky": Parallel(n_jobs=2)(delayed(found)(value) for value in (0,))[0],
        "numpy": numpy.__file__,
        "scratch": os.environ["VIRTUAL_ENV"],
    }
    with open(os.environ["SM_MODEL_DIR"] + "/seen.json", "w") as file:
        json.dump(seen, file)
"""


def algorithm(job, tmp_path, requirements):
    """Have a folder of the script and its requirements as the image's algorithm."""
    folder = tmp_path / "algorithm"
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(SCRIPT)
    (folder / "requirements.txt").write_text(requirements)
    job.environ |= {"BYO_ALGORITHM_DIR": str(folder), **OFFLINE}
    return folder


@pytest.mark.parametrize("submitted", [False, True], ids=["baked in", "submitted"])
def test_another_version_is_the_jobs_alone(job, tmp_path, submitted):
    """Every process of the job has it, the environment keeps its own, and the log says so."""
    import numpy as np

    before = metadata.version("six")
    folder = algorithm(job, tmp_path, "-r more/base.txt\n-e ./lib\n")
    (folder / "more").mkdir()
    (folder / "more" / "base.txt").write_text("--find-links ../wheels\nsix==0.1\n")
    wheel(folder / "wheels", "0.1", "six", "VERSION = '0.1'\n")
    project(folder / "lib")
    if submitted:
        job.hyperparameters = {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": str(folder),
        }

    code = job.run()

    assert code == 0, job.log
    seen = json.loads((job.base / "model" / "seen.json").read_text())
    source = (job.base / "code" if submitted else folder) / "lib" / "tiny.py"
    for process in ("script", "child", "shell", "spawned", "loky"):
        assert seen[process] == ["0.1", str(source)], process
    assert seen["numpy"] == np.__file__
    assert f"the requirements replace six {before} by 0.1, here alone" in job.log
    assert "requires six" in job.log  # pip's word for what that does not suit
    assert not (tmp_path / seen["scratch"]).exists()
    assert metadata.version("six") == before


def test_every_host_of_a_cluster_has_them(tmp_path):
    """Dask's workers as well as the script, each host from an environment of its own."""
    pytest.importorskip("distributed", reason="the extra `distributed` is not installed")
    folder = tmp_path / "algorithm"
    wheel(folder)
    (folder / "requirements.txt").write_text("./tiny-1.0-py3-none-any.whl\n")
    (folder / "train.py").write_text(
        "from distributed import Client\n"
        "with Client() as client:\n"
        "    found = client.run(lambda: __import__('tiny').__file__)\n"
        "    print('hosts', len(set(found.values())))\n"
    )
    cluster = Cluster(tmp_path, HOSTS[:2])
    cluster.set(BYO_ALGORITHM_DIR=str(folder), **OFFLINE)
    try:
        cluster.start()
        assert cluster.wait() == [0, 0], cluster.logs
    finally:
        cluster.end()

    assert "hosts 2" in cluster.logs
