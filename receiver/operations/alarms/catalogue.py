"""Every condition that there is."""

from receiver.operations.alarms.backlog_age import BacklogAge
from receiver.operations.alarms.certificate import Certificate
from receiver.operations.alarms.clock import ClockJump
from receiver.operations.alarms.dead_deliveries import DeadDeliveries
from receiver.operations.alarms.disk_space import DiskSpace
from receiver.operations.alarms.fallbacks import Fallbacks
from receiver.operations.alarms.provider_silent import ProviderSilent
from receiver.operations.alarms.public_url import PublicUrl
from receiver.operations.alarms.refused_requests import RefusedRequests
from receiver.operations.alarms.spool import SpoolUsed

CONDITIONS = tuple(
    condition.name
    for condition in (
        ProviderSilent,
        DeadDeliveries,
        BacklogAge,
        Fallbacks,
        RefusedRequests,
        DiskSpace,
        SpoolUsed,
        ClockJump,
        Certificate,
        PublicUrl,
    )
)
"""Their names, in the order of the docs."""
