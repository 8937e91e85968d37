"""How one object of a transform job fails; the job goes on with the others.

ObjectFailed
├── RecordTooLarge     a record, or a whole object that is not split, is over MaxPayloadInMB
├── BrokenRecords      the object is not made of such records as SplitType says
├── NotJoinable        answers can't be lined up with records, or a filter finds nothing
└── InvocationFailed   a request was not answered with 200, in as many attempts as there were
"""

from __future__ import annotations

from byo.command_errors import RunFailed


class ObjectFailed(RunFailed):
    """An object can't be transformed."""


class RecordTooLarge(ObjectFailed):
    """A record is larger than a request may be."""


class BrokenRecords(ObjectFailed):
    """An object is not made of such records as the job says."""


class NotJoinable(ObjectFailed):
    """Records and answers don't go together."""


class InvocationFailed(ObjectFailed):
    """The container did not answer a request with 200.

    Args:
        cause: in the words of SageMaker's log.
        body: what it answered, or why it did not.
        may_pass: whether the same request may be answered well another time.
    """

    def __init__(self, cause: str, body: bytes = b"", *, may_pass: bool = False) -> None:
        super().__init__(cause)
        self.body = body
        self.may_pass = may_pass
