// The Java client as a group member (tests/compat/members/protocol.py).

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class GroupMember extends Thread implements ConsumerRebalanceListener {
  private static final int COMMIT_INTERVAL_MS = 1000;
  private static final int LEAVE_PATIENCE_MS = 30_000;
  private static String bootstrap;
  private static String topic;
  private static int sessionTimeoutMs;

  private final String name;
  private final String group;
  private final String protocol;
  private final boolean autoCommit;
  private final String instanceId;
  private volatile boolean stopping = false;
  private KafkaConsumer<byte[], byte[]> consumer;

  GroupMember(String[] words) {
    name = words[1];
    group = words[2];
    protocol = words[3];
    autoCommit = words[4].equals("auto");
    instanceId = words.length > 5 ? words[5] : null;
  }

  /** `more`: the rest of the JSON object. */
  private void say(String event, String more) {
    String line = "{\"at\":" + System.currentTimeMillis() + ",\"member\":\"" + name + "\",\"event\":\"" + event + "\"";
    synchronized (GroupMember.class) {
      System.out.println(line + (more.isEmpty() ? "}" : "," + more + "}"));
      System.out.flush();
    }
  }

  private void sayPartitions(String event, Collection<TopicPartition> places) {
    List<Integer> partitions = places.stream().map(TopicPartition::partition).sorted().toList();
    say(event, "\"partitions\":" + partitions + ",\"generation\":" + consumer.groupMetadata().generationId());
  }

  private void sayError(Exception error) {
    say("error", "\"text\":\"" + error.toString().replaceAll("[^ -!#-\\[\\]-~]", "?") + "\"");
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
    sayPartitions("assigned", assigned);
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
    sayPartitions("revoked", revoked);
  }

  @Override
  public void onPartitionsLost(Collection<TopicPartition> lost) {
    sayPartitions("lost", lost);
  }

  private Properties properties() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("group.id", group);
    properties.put("enable.auto.commit", String.valueOf(autoCommit));
    properties.put("auto.commit.interval.ms", COMMIT_INTERVAL_MS);
    properties.put("auto.offset.reset", "earliest");
    properties.put("reconnect.backoff.max.ms", 200);
    properties.put("key.deserializer", ByteArrayDeserializer.class.getName());
    properties.put("value.deserializer", ByteArrayDeserializer.class.getName());
    if (instanceId != null) {
      properties.put("group.instance.id", instanceId);
    }
    if (protocol.equals("consumer")) {
      properties.put("group.protocol", "consumer");
      return properties;
    }
    properties.put("session.timeout.ms", sessionTimeoutMs);
    properties.put("heartbeat.interval.ms", Math.min(3000, sessionTimeoutMs / 6));
    if (protocol.equals("cooperative")) {
      properties.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
    }
    return properties;
  }

  private void poll() {
    ConsumerRecords<byte[], byte[]> polled = consumer.poll(Duration.ofMillis(200));
    Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
    for (TopicPartition place : polled.partitions()) {
      List<ConsumerRecord<byte[], byte[]>> records = polled.records(place);
      long first = records.get(0).offset();
      long last = records.get(records.size() - 1).offset();
      say("records", "\"partition\":" + place.partition() + ",\"first\":" + first + ",\"last\":" + last
          + ",\"count\":" + records.size());
      next.put(place, new OffsetAndMetadata(last + 1));
    }
    if (autoCommit || next.isEmpty()) {
      return;
    }
    consumer.commitSync(next);
    say("committed", "\"offsets\":{" + next.entrySet().stream()
        .map(entry -> "\"" + entry.getKey().partition() + "\":" + entry.getValue().offset())
        .collect(Collectors.joining(",")) + "}");
  }

  @Override
  public void run() {
    try {
      consumer = new KafkaConsumer<>(properties());
      consumer.subscribe(List.of(topic), this);
      while (!stopping) {
        try {
          poll();
        } catch (KafkaException error) {
          sayError(error);
        }
      }
      consumer.close();
    } catch (Exception error) {
      sayError(error);
    }
    say("left", "");
  }

  public static void main(String[] arguments) throws Exception {
    bootstrap = arguments[0];
    topic = arguments[1];
    sessionTimeoutMs = Integer.parseInt(arguments[2]);
    Map<String, GroupMember> members = new HashMap<>();
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] words = line.split(" ");
      if (words[0].equals("join")) {
        members.put(words[1], new GroupMember(words));
        members.get(words[1]).start();
      } else {
        members.get(words[1]).stopping = true;
      }
    }
    for (GroupMember member : members.values()) {
      member.stopping = true;
    }
    long deadline = System.nanoTime() + LEAVE_PATIENCE_MS * 1_000_000L;
    for (GroupMember member : members.values()) {
      member.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
    }
    System.exit(members.values().stream().anyMatch(Thread::isAlive) ? 1 : 0);
  }
}
