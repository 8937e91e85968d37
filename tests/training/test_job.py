"""The job as data, from variables, from files, or from neither."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.paths import Paths
from training_entry import Job, JobError, check_job_files

HOSTS = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
CHANNELS = {"training": {"ContentType": "text/csv", "TrainingInputMode": "FastFile"}, "my-test": {}}


@pytest.fixture
def paths(tmp_path):
    paths = Paths(tmp_path)
    paths.input_config.mkdir(parents=True)
    paths.hyperparameters.write_text('{"depth": "3", "sagemaker_program": "train.py"}')
    paths.input_data_config.write_text(json.dumps(CHANNELS))
    paths.resource_config.write_text(json.dumps(HOSTS))
    return paths


def read(paths, **environ):
    return Job.from_environ({"SAGEMAKER_BASE_DIR": str(paths.base), **environ})


def test_the_files_tell_the_job(paths):
    """Hosts, channels, hyperparameters and folders, with only the base folder named."""
    job = read(paths)

    assert (job.hosts, job.current_host) == (("algo-1", "algo-2"), "algo-2")
    assert (job.is_leader, job.host_index) == (False, 1)
    assert job.channels["training"].content_type == "text/csv"
    assert job.channels["training"].input_mode == "FastFile"
    assert job.channels["my-test"].distribution == "FullyReplicated"
    assert job.channels["my-test"].folder == paths.channel("my-test")
    assert job.hyperparameters == {"depth": "3"}
    assert (job.model_dir, job.output_dir) == (paths.model, paths.output)


def test_variables_alone_tell_the_job():
    """What a driver exports is enough: there need be no file."""
    job = Job.from_environ(
        {
            "SAGEMAKER_BASE_DIR": "/nonexistent",
            "SM_HOSTS": '["a", "b"]',
            "SM_CURRENT_HOST": "a",
            "SM_HPS": '{"depth": 3, "sagemaker_region": "x"}',
            "SM_INPUT_DATA_CONFIG": '{"my-test": {"S3DistributionType": "ShardedByS3Key"}}',
            "SM_CHANNEL_MY_TEST": "/data/test",
            "SM_CHANNEL_TRAINING": "/data/training",
            "SM_MODEL_DIR": "/models",
            "SM_OUTPUT_DIR": "/out",
        }
    )

    assert job.is_leader
    assert job.hyperparameters == {"depth": 3}
    assert {name: str(channel.folder) for name, channel in job.channels.items()} == {
        "my-test": "/data/test",
        "training": "/data/training",
    }
    assert (job.model_dir, job.output_dir) == (Path("/models"), Path("/out"))


def test_without_a_job_there_is_one_host():
    """A script by hand is its own leader, without channels."""
    job = Job.from_environ({"SAGEMAKER_BASE_DIR": "/nonexistent"})

    assert (job.is_leader, job.channels, job.hyperparameters) == (True, {}, {})


def test_a_folder_is_a_channel(paths):
    """A tree made by hand needs no configuration of its channels."""
    paths.input_data_config.unlink()
    paths.channel("training").mkdir(parents=True)

    assert list(read(paths).channels) == ["training"]


def test_hyperparameters_are_not_shown(paths):
    """The job's repr holds no password."""
    paths.hyperparameters.write_text('{"password": "open-sesame"}')

    assert "open-sesame" not in repr(read(paths))


FAULTS = [
    ("resourceconfig.json", "{\n 1}", "resourceconfig.json, line 2: not JSON: "),
    ("resourceconfig.json", "", "resourceconfig.json, line 1: not JSON: Expecting value"),
    ("resourceconfig.json", "[]", "resourceconfig.json must hold a JSON object, not list"),
    ("resourceconfig.json", "{}", '"hosts" must be a list of host names'),
    ("resourceconfig.json", '{"hosts": []}', '"hosts" must be a list of host names'),
    ("resourceconfig.json", '{"hosts": "a"}', '"hosts" must be a list of host names'),
    ("resourceconfig.json", '{"hosts": ["a", "a"]}', '"hosts" names a host twice: a, a'),
    ("resourceconfig.json", '{"hosts": ["a"]}', '"current_host" must be the name of a host'),
    (
        "resourceconfig.json",
        '{"hosts": ["a", "b"], "current_host": "c"}',
        "\"current_host\" is 'c', which is not among the hosts: a, b",
    ),
    ("inputdataconfig.json", '{"x": 3}', "channel x must be an object, not int"),
    (
        "inputdataconfig.json",
        '{"x": {"TrainingInputMode": 3}}',
        "TrainingInputMode of channel x must be text",
    ),
    ("hyperparameters.json", '"x"', "hyperparameters.json must hold a JSON object, not str"),
    ("hyperparameters.json", b"\xff", "hyperparameters.json can't be read: "),
]


@pytest.mark.parametrize(("file", "content", "expected"), FAULTS)
def test_a_fault_names_its_file(paths, file, content, expected):
    """Reading the job and checking its files say the same, in one line."""
    content = content if isinstance(content, bytes) else content.encode()
    (paths.input_config / file).write_bytes(content)

    with pytest.raises(JobError) as read_error:
        read(paths)
    with pytest.raises(JobError) as check_error:
        check_job_files(paths)

    assert expected in str(read_error.value)
    assert str(paths.input_config / file) in str(read_error.value)
    assert str(check_error.value) == str(read_error.value)
    assert "\n" not in str(read_error.value)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SM_HPS": "{"}, "SM_HPS, line 1: not JSON"),
        ({"SM_HOSTS": "[", "SM_CURRENT_HOST": "a"}, "SM_HOSTS with SM_CURRENT_HOST, line 1: not"),
        ({"SM_HOSTS": '["b"]', "SM_CURRENT_HOST": "a"}, "is 'a', which is not among the hosts: b"),
        ({"SM_INPUT_DATA_CONFIG": "[]"}, "SM_INPUT_DATA_CONFIG must hold a JSON object, not list"),
    ],
)
def test_a_fault_names_its_variable(paths, variables, expected):
    """A driver's variable that can't be used is named."""
    with pytest.raises(JobError, match=expected.replace("[", r"\[")):
        read(paths, **variables)


def test_every_file_at_fault_is_named(paths):
    """A missing file is a fault of a job, and all faults come at once."""
    sound = check_job_files(paths)
    paths.hyperparameters.unlink()
    paths.resource_config.write_text("{}")

    with pytest.raises(JobError) as caught:
        check_job_files(paths)

    assert sound is None
    assert f"{paths.hyperparameters} is missing; {paths.resource_config}: " in str(caught.value)
