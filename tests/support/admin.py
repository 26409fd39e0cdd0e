"""The gRPC admin API from Python: client code generated from proto/ on first use, and a small client on top.

A call goes to the first controller that answers; a typed AdminError in the trailer becomes an AdminFailure.
"""

import subprocess
import sys
import uuid

import grpc

from support.processes import CACHE_DIR, REPOSITORY, TIMEOUT_FACTOR, making

_GENERATED = CACHE_DIR / "python-proto"
_DETAILS_TRAILER = "grpc-status-details-bin"


@making("python-proto")
def _generate():
    """Runs protoc over proto/*.proto if any is newer than what it made last."""
    protos = sorted((REPOSITORY / "proto").glob("*.proto"))
    stamp = _GENERATED / ".complete"
    if not stamp.exists() or stamp.stat().st_mtime < max(proto.stat().st_mtime for proto in protos):
        _GENERATED.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{REPOSITORY}",
                        f"--python_out={_GENERATED}", f"--grpc_python_out={_GENERATED}",
                        *map(str, protos)], check=True, timeout=60)
        stamp.touch()
    sys.path.insert(0, str(_GENERATED))


_generate()

from proto import admin_pb2, admin_pb2_grpc, record_pb2  # noqa: E402,F401


class AdminFailure(Exception):
    """A refused call: Kafka's error code and name, and the cause. code is None without a typed detail."""

    def __init__(self, code, name, message, status=None):
        super().__init__(f"{name} ({code}): {message}")
        self.code, self.name, self.message, self.status = code, name, message, status


def failure_of(error):
    """The AdminFailure of a grpc.RpcError."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_TRAILER:
            rich = admin_pb2.RichStatus.FromString(value)
            for packed in rich.details:
                detail = admin_pb2.AdminError()
                if packed.Unpack(detail):
                    return AdminFailure(detail.code, detail.name, detail.message, error.code())
    return AdminFailure(None, error.code().name, error.details(), error.code())


def require(error):
    """Raises the AdminFailure of one part of a reply."""
    if error.code != 0:
        raise AdminFailure(error.code, error.name, error.message)


def _channel(address):
    """A channel of its own: one that was refused once waits for seconds before it looks again, and without the
    option a new channel would inherit that.
    """
    return grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])


class Admin:
    """Calls to a list of controllers (host:port,...); unreachable ones are passed over."""

    def __init__(self, addresses, timeout_s=10):
        self.addresses = addresses.split(",")
        self.timeout_s = timeout_s * TIMEOUT_FACTOR
        self._channels = {address: _channel(address) for address in self.addresses}

    def close(self):
        for channel in self._channels.values():
            channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def stub(self, address):
        return admin_pb2_grpc.AdminServiceStub(self._channels[address])

    def call_at(self, address, method, request, timeout_s=None):
        """One attempt at one controller."""
        try:
            return getattr(self.stub(address), method)(request, timeout=timeout_s or self.timeout_s)
        except grpc.RpcError as error:
            failure = failure_of(error)
            if failure.code is None and failure.status == grpc.StatusCode.UNAVAILABLE:
                self._channels[address].close()
                self._channels[address] = _channel(address)
            raise failure from None

    def call(self, method, request, timeout_s=None):
        """One attempt at each controller until one answers."""
        failure = None
        for address in self.addresses:
            try:
                return self.call_at(address, method, request, timeout_s)
            except AdminFailure as found:
                if found.status != grpc.StatusCode.UNAVAILABLE:
                    raise
                # A controller's own words say more than a refused connection.
                failure = found if failure is None or found.code is not None else failure
        raise failure

    def create_topic(self, name, partitions=1, configs=None, request_id=None, timeout_s=None,
                     replication_factor=1):
        topic = admin_pb2.NewTopic(name=name, partitions=partitions,
                                   replication_factor=replication_factor, configs=configs or {})
        request = admin_pb2.CreateTopicsRequest(context=context(request_id), topics=[topic])
        created = self.call("CreateTopics", request, timeout_s).topics[0]
        require(created.error)
        return created

    def topic_names(self, address=None):
        request = admin_pb2.ListTopicsRequest()
        reply = self.call_at(address, "ListTopics", request) if address else self.call("ListTopics",
                                                                                      request)
        return {topic.name for topic in reply.topics}

    def partitions(self, topic):
        """The descriptions of a topic's partitions, by number."""
        request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=topic)])
        return list(self.call("DescribeTopics", request).topics[0].partitions)

    def cluster(self, address=None):
        request = admin_pb2.DescribeClusterRequest()
        return self.call_at(address, "DescribeCluster", request) if address else self.call(
            "DescribeCluster", request)

    def quorum(self, address=None, timeout_s=None):
        request = admin_pb2.DescribeQuorumRequest()
        return self.call_at(address, "DescribeQuorum", request, timeout_s) if address else self.call(
            "DescribeQuorum", request, timeout_s)

    def leader_id(self):
        """The active controller's id, or None while there is none."""
        for address in self.addresses:
            try:
                leader = self.quorum(address, timeout_s=1).leader_id
            except AdminFailure:
                continue
            if leader > 0:
                return leader
        return None


def context(request_id=None):
    return admin_pb2.RequestContext(request_id=request_id or str(uuid.uuid4()), tool="weir-tests")
