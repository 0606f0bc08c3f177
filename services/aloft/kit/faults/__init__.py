"""Failing, delaying or dying before and after any port call, so addressed that a test can enumerate them.

`wrap` puts a proxy in front of a port; `Faults` writes down each call it sees and does what it is armed for.
A run without a fault gives the addresses; then one run for each address, and each end of the call, shows what
holds. A service that `Crash`ed is thrown away and built again, over the same databases, buckets and topics.
"""

from aloft.kit.faults.plan import Address, Crash, Delay, Fail, Fault, Faults, InjectedFault
from aloft.kit.faults.proxy import wrap

__all__ = ["Address", "Crash", "Delay", "Fail", "Fault", "Faults", "InjectedFault", "wrap"]
