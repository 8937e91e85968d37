"""AWS: what `byo push`, an S3 channel and an endpoint in SageMaker need."""

from __future__ import annotations

from collections.abc import Iterator

from byo.doctor.remedies import Remedied, doubtful, pip_install, well

SECONDS = 10
ONLY = "only `byo push`, S3 channels and endpoints in SageMaker need it"


def check_aws() -> Iterator[Remedied]:
    """Credentials, region and Amazon ECR, each asked for within seconds."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        yield doubtful("boto3 is not installed", "pip install boto3", fix=pip_install("boto3"))
        return
    session = boto3.Session()
    region = session.region_name
    if not region:
        yield doubtful("there is no AWS region", f"set AWS_REGION, or run `aws configure`; {ONLY}")
    else:
        yield well(f"AWS region {region}")
    if session.get_credentials() is None:
        yield doubtful("there are no AWS credentials", f"run `aws configure`; {ONLY}")
        return
    if not region:
        return
    config = Config(
        connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 1}
    )
    try:
        said = session.client("sts", config=config).get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        yield doubtful(f"AWS does not know the credentials ({error})", "run `aws configure`")
        return
    yield well(f"AWS account {said['Account']}, as {said['Arn']}")
    try:
        session.client("ecr", config=config).describe_repositories(maxResults=1)
    except (BotoCoreError, ClientError) as error:
        yield doubtful(
            f"Amazon ECR refuses ({error})",
            "`byo push` needs ecr:DescribeRepositories, ecr:CreateRepository and to push",
        )
        return
    yield well("Amazon ECR answers")
