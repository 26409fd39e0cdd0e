// The Java client as a compat client: the same command line and the same records as tests/compat/clients/*.py.
// Compiles against kafka-clients 3.9 and 4.x.

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class RecordsCheck {
  static final int PARTITIONS = 3;
  static final long TIMESTAMP_FIRST_MS = 1_767_225_600_000L;
  static final Duration DEADLINE = Duration.ofSeconds(20);

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static boolean isTombstone(long number) {
    return number % 101 == 13;
  }

  static byte[] key(long number) {
    if (isTombstone(number)) {
      return bytes("tombstone");
    }
    return number % 7 == 3 ? null : number % 11 == 5 ? new byte[0] : bytes("key-" + number % 1000);
  }

  static byte[] value(long number) {
    if (isTombstone(number)) {
      return null;
    }
    byte[] text = bytes("value " + number + " " + "abcdefghij".repeat((int) (number % 9)));
    byte[] value = Arrays.copyOf(text, text.length + 3);
    value[text.length] = (byte) (number % 256);
    value[text.length + 1] = (byte) 255;
    value[text.length + 2] = 0;
    return value;
  }

  static List<Header> headers(long number) {
    List<Header> headers = new ArrayList<>();
    headers.add(new RecordHeader("number", bytes(Long.toString(number))));
    if (number % 3 == 1) {
      headers.add(new RecordHeader("repeated", new byte[] {0, (byte) 255}));
      headers.add(new RecordHeader("repeated", new byte[0]));
    }
    if (number % 5 == 2) {
      headers.add(new RecordHeader("null", (byte[]) null));
    }
    return headers;
  }

  static void require(boolean condition, String message) {
    if (!condition) {
      throw new AssertionError(message);
    }
  }

  static void produce(String bootstrap, String topic, String codec, int count) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("acks", "all");
    properties.put("linger.ms", "5");
    properties.put("batch.size", "65536");
    properties.put("max.block.ms", "20000");
    properties.put("compression.type", codec);
    List<Future<RecordMetadata>> acknowledged = new ArrayList<>();
    try (var producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int number = 0; number < count; number++) {
        acknowledged.add(producer.send(new ProducerRecord<>(topic, number % PARTITIONS,
            TIMESTAMP_FIRST_MS + 7L * number, key(number), value(number), headers(number))));
      }
      producer.flush();
    }
    for (int number = 0; number < count; number++) {
      long offset = acknowledged.get(number).get().offset();
      require(offset == number / PARTITIONS, "record " + number + " acknowledged at " + offset);
    }
  }

  static void check(ConsumerRecord<byte[], byte[]> record) {
    long number = record.offset() * PARTITIONS + record.partition();
    require(Arrays.equals(record.key(), key(number)), "key of " + record);
    require(Arrays.equals(record.value(), value(number)), "value of " + record);
    require(Arrays.asList(record.headers().toArray()).equals(headers(number)), "headers of " + record);
    require(record.timestamp() == TIMESTAMP_FIRST_MS + 7 * number, "timestamp of " + record);
    require(record.timestampType() == TimestampType.CREATE_TIME, "timestamp type of " + record);
  }

  static void consume(String bootstrap, String topic, int count) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "none");
    List<TopicPartition> partitions = IntStream.range(0, PARTITIONS)
        .mapToObj(number -> new TopicPartition(topic, number)).collect(Collectors.toList());
    try (var consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(),
        new ByteArrayDeserializer())) {
      consumer.assign(partitions);
      partitions.forEach(partition -> consumer.seek(partition, 0));
      long[] next = new long[PARTITIONS];
      int seen = 0;
      while (seen < count) {
        var records = consumer.poll(DEADLINE);
        require(!records.isEmpty(), seen + " of " + count + " records came back");
        for (ConsumerRecord<byte[], byte[]> record : records) {
          require(record.offset() == next[record.partition()]++, "offset of " + record);
          check(record);
          seen++;
        }
      }
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      require(ends.values().stream().mapToLong(Long::longValue).sum() == count, "end offsets " + ends);
    }
  }

  public static void main(String[] arguments) throws Exception {
    List<String> list = Arrays.asList(arguments);
    String bootstrap = list.get(list.indexOf("--bootstrap") + 1);
    for (String item : list.subList(list.indexOf("--work") + 1, list.size())) {
      String[] parts = item.split(":");
      int count = Integer.parseInt(parts[2]);
      long started = System.nanoTime();
      if (list.get(0).equals("produce")) {
        produce(bootstrap, parts[0], parts[1], count);
      } else {
        consume(bootstrap, parts[0], count);
      }
      System.out.printf("{\"topic\": \"%s\", \"codec\": \"%s\", \"records\": %d, \"seconds\": %.3f}%n",
          parts[0], parts[1], count, (System.nanoTime() - started) / 1e9);
    }
  }
}
