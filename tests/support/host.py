"""What the host keeps from this machine: on a shared one a virtual machine may stand still for seconds."""

from pathlib import Path

# More, and the time that something took tells nothing.
STOLEN_MAX = 0.25

_STAT = Path("/proc/stat")
_STEAL = 7  # proc_stat(5): user nice system idle iowait irq softirq steal; guest time is part of user's


class StolenShare:
    """Of all processors' time since it was made, the share, 0 to 1, that the host gave to others."""

    def __init__(self, stat=_STAT):
        self._stat = stat
        self._begin = self._ticks()

    def _ticks(self):
        fields = self._stat.read_text().splitlines()[0].split()[1:9]
        return [int(field) for field in fields]

    def __call__(self):
        spent = [now - before for now, before in zip(self._ticks(), self._begin)]
        return spent[_STEAL] / sum(spent) if sum(spent) > 0 else 0.0
