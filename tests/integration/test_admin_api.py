"""The admin API from another language: Python code generated from proto/ manages topics."""

import uuid

import grpc
import pytest

from support.admin import Admin, AdminFailure, admin_pb2, context, record_pb2
from support.records import Producer, read
from support.weir_cluster import WeirDev

TOPIC_ALREADY_EXISTS = 36
UNKNOWN_TOPIC_OR_PARTITION = 3
INVALID_TOPIC = 17
INVALID_CONFIG = 40
INVALID_PARTITIONS = 37


@pytest.fixture(scope="module")
def dev(tmp_path_factory):
    cluster = WeirDev(tmp_path_factory.mktemp("weir-admin"), nodes=3)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def admin(dev):
    with Admin(dev.admin) as client:
        yield client


def describe(admin, name):
    request = admin_pb2.DescribeTopicsRequest(topics=[admin_pb2.TopicSelector(name=name)])
    return admin.call("DescribeTopics", request).topics[0]


def topic_resource(name):
    return admin_pb2.ConfigResource(type=record_pb2.CONFIG_RESOURCE_TOPIC, name=name)


def alter(admin, name, *changes, validate_only=False):
    resource = admin_pb2.AlteredResource(resource=topic_resource(name), changes=changes)
    request = admin_pb2.AlterConfigsRequest(context=context(), resources=[resource],
                                            validate_only=validate_only)
    return admin.call("AlterConfigs", request).resources[0].error


def config(admin, name, key):
    selector = admin_pb2.ConfigSelector(resource=topic_resource(name), keys=[key])
    described = admin.call("DescribeConfigs", admin_pb2.DescribeConfigsRequest(resources=[selector]))
    return described.resources[0].entries[0]


def test_a_topic_from_creation_to_deletion(dev, admin):
    created = admin.create_topic("life", partitions=3, configs={"retention.ms": "123456"})
    assert created.partitions == 3 and len(created.topic_id) == 22
    found = describe(admin, "life")
    assert found.topic_id == created.topic_id and dict(found.configs) == {"retention.ms": "123456"}
    assert [partition.partition for partition in found.partitions] == [0, 1, 2]
    assert all(partition.leader_id in (1, 2, 3) for partition in found.partitions)
    assert "life" in admin.topic_names()
    Producer(dev.bootstrap).send_all("life", [b"here"])
    assert read(dev.bootstrap, "life", 1) == [b"here"]

    more = admin_pb2.NewPartitions(name="life", total_count=5)
    reply = admin.call("CreatePartitions",
                       admin_pb2.CreatePartitionsRequest(context=context(), topics=[more]))
    assert reply.topics[0].error.code == 0 and reply.topics[0].total_count == 5
    assert len(describe(admin, "life").partitions) == 5

    selector = admin_pb2.TopicSelector(topic_id=created.topic_id)
    reply = admin.call("DeleteTopics",
                       admin_pb2.DeleteTopicsRequest(context=context(), topics=[selector]))
    assert reply.topics[0].error.code == 0 and reply.topics[0].name == "life"
    assert "life" not in admin.topic_names()
    assert describe(admin, "life").error.code == UNKNOWN_TOPIC_OR_PARTITION


def test_partitions_are_spread_over_the_brokers(admin):
    admin.create_topic("spread", partitions=9)
    leaders = [partition.leader_id for partition in describe(admin, "spread").partitions]
    assert sorted(leaders) == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_refusals_name_kafkas_code_and_the_cause(admin):
    admin.create_topic("taken")
    for name, partitions, code in [("taken", 1, TOPIC_ALREADY_EXISTS), ("no/slash", 1, INVALID_TOPIC),
                                   ("negative", -5, INVALID_PARTITIONS)]:
        with pytest.raises(AdminFailure) as refusal:
            admin.create_topic(name, partitions)
        assert refusal.value.code == code, refusal.value
        assert refusal.value.name and refusal.value.message
    with pytest.raises(AdminFailure) as refusal:
        admin.create_topic("bad-config", configs={"retention.ms": "soon"})
    assert refusal.value.code == INVALID_CONFIG


def test_validate_only_checks_and_changes_nothing(admin):
    topic = admin_pb2.NewTopic(name="only-checked", partitions=2, replication_factor=1)
    request = admin_pb2.CreateTopicsRequest(context=context(), topics=[topic], validate_only=True)
    assert admin.call("CreateTopics", request).topics[0].error.code == 0
    assert "only-checked" not in admin.topic_names()
    admin.create_topic("config-checked")
    change = admin_pb2.ConfigChange(key="retention.ms", value="77")
    assert alter(admin, "config-checked", change, validate_only=True).code == 0
    assert config(admin, "config-checked", "retention.ms").value == "604800000"


def test_a_repeated_request_id_gets_the_first_answer(admin):
    request_id = str(uuid.uuid4())
    first = admin.create_topic("once", partitions=2, request_id=request_id)
    for _ in admin.addresses:
        again = admin.create_topic("once", partitions=2, request_id=request_id)
        assert again.topic_id == first.topic_id
    with pytest.raises(AdminFailure) as refusal:
        admin.create_topic("once", partitions=2)
    assert refusal.value.code == TOPIC_ALREADY_EXISTS


def test_configs_are_altered_key_by_key_with_source_and_default(admin):
    admin.create_topic("configured")
    before = config(admin, "configured", "cleanup.policy")
    assert before.value == "delete" and before.source == admin_pb2.CONFIG_SOURCE_DEFAULT
    append = admin_pb2.ConfigChange(key="cleanup.policy", value="compact",
                                    operation=admin_pb2.CONFIG_OPERATION_APPEND)
    assert alter(admin, "configured", append).code == 0
    after = config(admin, "configured", "cleanup.policy")
    assert after.source == admin_pb2.CONFIG_SOURCE_TOPIC
    assert sorted(after.value.split(",")) == ["compact", "delete"]
    delete = admin_pb2.ConfigChange(key="cleanup.policy", operation=admin_pb2.CONFIG_OPERATION_DELETE)
    assert alter(admin, "configured", delete).code == 0
    assert config(admin, "configured", "cleanup.policy").value == "delete"
    unknown = admin_pb2.ConfigChange(key="retention.millis", value="1")
    assert alter(admin, "configured", unknown).code == INVALID_CONFIG


def test_any_controller_answers(dev, admin):
    for number, address in enumerate(admin.addresses):
        with Admin(address) as one:
            one.create_topic(f"at-{number}")
            assert {broker.broker_id for broker in one.cluster().brokers} == {1, 2, 3}
            quorum = one.quorum()
            assert len(quorum.members) == 3 and quorum.leader_id in (1, 2, 3)
    assert {"at-0", "at-1", "at-2"} <= admin.topic_names()


def test_a_deadline_that_has_passed_is_a_clear_error(admin):
    with pytest.raises(AdminFailure) as refusal:
        admin.create_topic("too-late", timeout_s=0.000001)
    assert refusal.value.status == grpc.StatusCode.DEADLINE_EXCEEDED


def test_leadership_is_transferred(admin):
    before = admin.leader_id()
    target = next(number for number in (1, 2, 3) if number != before)
    request = admin_pb2.TransferLeadershipRequest(context=context(), controller_id=target)
    assert admin.call("TransferLeadership", request).leader_id == target
    assert admin.leader_id() == target
    admin.create_topic("after-transfer")


def test_health_and_reflection_are_served(dev):
    """What Kubernetes probes and grpcurl ask, as raw bytes: no client code of Weir's is involved."""
    for address in dev.admin.split(","):
        with grpc.insecure_channel(address) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            assert check(b"", timeout=5) == b"\x08\x01", "SERVING"
            reflect = channel.stream_stream(
                "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
            list_services = b"\x3a\x01*"
            answer = next(iter(reflect(iter([list_services]), timeout=5)))
            assert b"weir.admin.v1.AdminService" in answer
