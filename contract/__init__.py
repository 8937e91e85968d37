"""What training writes and serving reads: the lowest floor, which imports no other."""

from contract.paths import Paths
from contract.signature import Signature, load_signature, save_signature

__all__ = ["Paths", "Signature", "load_signature", "save_signature"]
