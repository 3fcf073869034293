"""`durameter init`: a minimal workload that works, for a user to write his own agent into."""

from durameter.init.write import Written, write_example

__all__ = ["Written", "write_example"]
